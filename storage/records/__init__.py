"""What the house knows apart from file contents, in SQLite or PostgreSQL.

SQLAlchemy stays inside: dataclasses of ``storage.model`` and plain values go
in and come out. See README.md.
"""

from __future__ import annotations

from .records import Records
from .stores.contents import Content
from .unit import Unit

__all__ = ["Content", "Records", "Unit"]
