"""``.gitattributes``: one line per large file, other people's lines left alone.

    /hello-1.0.tar.gz filter=lfs diff=lfs merge=lfs -text

The file stands in the git tree for LFS clients and is invisible over HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SETTINGS = " filter=lfs diff=lfs merge=lfs -text"
_SPECIAL = re.compile(r"([\\*?\[])")
_NEEDS_QUOTES = re.compile(r'[\s"\x00-\x1f\x7f]')


def attributes_line(name: str) -> str:
    """The line that makes one file an LFS file; its name is taken literally."""
    pattern = "/" + _SPECIAL.sub(r"\\\1", name)
    if _NEEDS_QUOTES.search(pattern):
        pattern = '"' + pattern.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return pattern + _SETTINGS


def merged_attributes(present: bytes, large_names: Iterable[str]) -> bytes:
    """The file that fits a tree.

    Args:
        present: The tree's ``.gitattributes`` so far, empty if there is none.
        large_names: Names of the large files of the new tree.

    Returns:
        The new content; empty when the file is not needed.
    """
    lines = present.decode("utf-8", errors="surrogateescape").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    kept = [line for line in lines if not _is_ours(line)]
    ours = [attributes_line(name) for name in sorted(large_names)]
    text = "".join(f"{line}\n" for line in kept + ours)
    return text.encode("utf-8", errors="surrogateescape")


def _is_ours(line: str) -> bool:
    return line.startswith(("/", '"/')) and line.endswith(_SETTINGS)
