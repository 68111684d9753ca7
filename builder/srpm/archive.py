"""Source packages (SRPMs) opened safely: no rpm code runs, nothing is written by name.

    with path.open("rb") as stream:
        with unpacked(stream, limits, storage.stage) as package:
            package.header, package.files

Contract: a malformed or hostile package ends in ``InvalidContent``,
``InvalidName`` or ``TooLarge``; memory stays bounded by the decoders' windows
(256 MiB at most) and disk by the limits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Generic, Protocol, TypeVar

from storage.errors import ChecksumMismatch, InvalidContent

from .header import SourceHeader, read_header
from .payload import ArchiveLimits, Member, decompressed, members

_ALGORITHMS = {1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}


class _Closing(Protocol):
    """What ``stage`` answers: a context manager that removes its file."""

    def __enter__(self) -> Any: ...

    def __exit__(self, *exc: object) -> Any: ...


T = TypeVar("T", bound=_Closing)


@dataclass(frozen=True, slots=True)
class Unpacked(Generic[T]):
    """A source package's header, its staged files and which of them is the spec."""

    header: SourceHeader
    files: Mapping[str, T]
    spec: str


@contextmanager
def unpacked(
    stream: BinaryIO, limits: ArchiveLimits, stage: Callable[[Iterator[bytes]], T]
) -> Iterator[Unpacked[T]]:
    """Read a whole source package; its staged files live as long as the context.

    Args:
        stream: At the first byte of the package.
        limits: Bounds of its content.
        stage: Takes a file's content as chunks and keeps it somewhere.

    Raises:
        InvalidContent: Not a source package, hostile, damaged, or without exactly one spec.
        ChecksumMismatch: A file does not have the digest the header announces.
        TooLarge: Over a limit.
    """
    header = read_header(stream)
    if header.payload_format != "cpio":
        raise InvalidContent(f"RPM payload format '{header.payload_format[:20]}' is unknown")
    if not header.is_complete:
        raise InvalidContent("the source package leaves out sources (nosrc)")
    files: dict[str, T] = {}
    with ExitStack() as stack:
        for member in members(decompressed(stream, header.compressor), limits):
            files[member.name] = stack.enter_context(stage(_verified(member, header)))
        yield Unpacked(header, files, only_spec(files))


def only_spec(names: Iterable[str]) -> str:
    """The one spec file among the names.

    Raises:
        InvalidContent: There is none, or there are several.
    """
    specs = sorted(name for name in names if name.endswith(".spec"))
    if len(specs) != 1:
        what = "no spec file" if not specs else f"{len(specs)} spec files"
        raise InvalidContent(f"the source package holds {what}")
    return specs[0]


def _verified(member: Member, header: SourceHeader) -> Iterator[bytes]:
    """The member's chunks; fails after the last one when the announced digest differs."""
    announced = header.digests.get(member.name, "")
    algorithm = _ALGORITHMS.get(header.digest_algorithm)
    if not announced or algorithm is None:
        yield from member.chunks
        return
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for chunk in member.chunks:
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != announced.lower():
        raise ChecksumMismatch(f"'{member.name}' does not have the digest its package announces")
