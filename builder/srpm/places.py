"""Where the source part of a build keeps its files.

``<data>/srpm-builds/<build id>/`` is served as it is: the SRPM, its spec, the
log. What a caller uploaded waits in ``<data>/srpm-uploads/<build id>/`` and is
never served.
"""

from __future__ import annotations

from pathlib import Path

LOG_NAME = "builder-live.log"
"""The log while it grows; ``.gz`` is added when the source part is over."""


def source_dir(data_dir: Path, build_id: int) -> Path:
    """Directory of everything the source part of a build shows."""
    return data_dir / "srpm-builds" / str(build_id)


def upload_dir(data_dir: Path, build_id: int) -> Path:
    """Directory of an uploaded file that has not been imported yet."""
    return data_dir / "srpm-uploads" / str(build_id)
