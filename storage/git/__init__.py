"""One package, one bare repository: everything that touches git objects and refs.

Start at ``transaction.py`` (the one writer) and ``reading.py``. See ../README.md.
"""
