"""The seam between the git door and whatever speaks git's protocols below it.

Two programs can serve a fetch and index a pushed pack: native git, and dulwich
where there is no git. Which one is chosen once, at start. The rules that keep
objects private and pushes bounded stand before both and are the same.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import IO, Protocol

from ..errors import InvalidContent, NotFound, TooLarge
from .child import Deadline, find_git
from .objects import ObjectStore, StoredObject, is_oid
from .packscan import PackLimits, PackScan
from .pktline import Reader, packet, read_packet
from .reach import Reachable
from .refs import Refs

_PUBLIC = ("refs/heads/", "refs/tags/")
_PROTOCOL = re.compile(r"[a-z0-9=:.-]{1,100}")
_SPOOL_BYTES = 64 * 1024
_REQUEST_BYTES = 8 << 20
_WANTS = 50_000
_SEARCH_TIME_S = 60.0


class FetchServer(Protocol):
    """Answers ``git fetch``; one instance serves all repositories and threads."""

    name: str

    def advertise(self, repository: Path, protocol: str) -> Iterator[bytes]:
        """The answer to ``info/refs?service=git-upload-pack``.

        Args:
            repository: A bare repository.
            protocol: Value of the ``Git-Protocol`` header, checked; may be empty.

        Yields:
            Body bytes; hidden refs do not appear.
        """
        ...

    def serve(self, repository: Path, request: IO[bytes], protocol: str) -> Iterator[bytes]:
        """The answer to one ``git-upload-pack`` request.

        Closing the iterator ends all work for it at once.

        Args:
            repository: A bare repository.
            request: The whole request in a real file, at its start.
            protocol: As for ``advertise``.

        Yields:
            Body bytes, as they are made.
        """
        ...


class PackIngest(Protocol):
    """Turns a pushed pack into an indexed one inside a quarantine."""

    name: str

    def ingest(
        self,
        repository: Path,
        objects: Path,
        source: Reader,
        limits: PackLimits,
    ) -> tuple[Path, PackScan]:
        """Read one pack, complete it when thin, index it.

        Args:
            repository: Where bases of a thin pack may be found.
            objects: Objects directory of the quarantine; only it is written to.
            source: Positioned at the pack's first byte.
            limits: Bounds, enforced before bytes are handed to any parser. The time
                counts from the end of the upload.

        Returns:
            The path of the finished ``.pack`` (its ``.idx`` lies beside it) and
            the table of the entries that were pushed.

        Raises:
            InvalidContent: Not a whole, well-formed pack.
            TooLarge: Over a limit.
            StorageFull: No space left.
        """
        ...

    def contents(
        self, repository: Path, objects: ObjectStore, ids: Sequence[str], limits: PackLimits
    ) -> Generator[tuple[str, StoredObject], None, None]:
        """Read many objects in one go.

        Args:
            repository: The repository of the quarantine.
            objects: The quarantine; its objects count, and through it the repository's.
            ids: What to read; the order of the pack is quickest.
            limits: The time bounds the whole reading.

        Returns:
            Id and content of each, in the order asked for.

        Raises:
            InvalidContent: An object cannot be read, or time was over.
        """
        ...


def choose(native: bool = True) -> tuple[FetchServer, PackIngest]:
    """Native git when wanted and installed, else dulwich."""
    from .wire_dulwich import DulwichFetchServer, DulwichPackIngest
    from .wire_native import NativeFetchServer, NativePackIngest

    program = find_git() if native else None
    if program is None:
        return DulwichFetchServer(), DulwichPackIngest()
    return NativeFetchServer(program), NativePackIngest(program)


def public_refs(repository: Path) -> dict[str, str]:
    """Branches and tags, sorted by name: all that git clients see or may change."""
    refs = Refs(repository).all()
    return {name: oid for name, oid in refs.items() if is_public(name)}


def is_public(ref: str) -> bool:
    """Whether git clients may see and change refs of this name."""
    return ref.startswith(_PUBLIC)


def checked_protocol(header: str | None) -> str:
    """A ``Git-Protocol`` header fit for an environment variable; empty for nonsense."""
    return header if header is not None and _PROTOCOL.fullmatch(header) else ""


def fetch(server: FetchServer, repository: Path, body: Reader, protocol: str) -> Iterator[bytes]:
    """Serve one upload-pack request after checking what it wants.

    Args:
        server: Who does the work.
        repository: A bare repository.
        body: The request, decompressed.
        protocol: A ``checked_protocol``.

    Returns:
        The body of the answer; close it when the client goes away.

    Raises:
        InvalidContent: The request is malformed.
        TooLarge: It is longer than any client's.
    """
    answer = _answer(server, repository, body, protocol)
    # Up to the first bytes now, so that a refusal can still become a status.
    return _Started(next(answer, b""), answer)


def _answer(
    server: FetchServer, repository: Path, body: Reader, protocol: str
) -> Generator[bytes, None, None]:
    with tempfile.TemporaryFile() as spool:
        _spool(body, spool)
        spool.seek(0)
        try:
            check_wants(repository, spool)
        except NotFound as error:
            # A branch may have been rewritten since it was advertised: no missing package.
            yield packet(f"ERR upload-pack: {error.message}\n".encode())
            return
        spool.seek(0)
        yield from server.serve(repository, spool, protocol)


class _Started:
    """An iterator whose first item is already there; closing it closes the source."""

    def __init__(self, first: bytes, rest: Generator[bytes, None, None]) -> None:
        self._first: bytes | None = first
        self._rest = rest

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        first, self._first = self._first, None
        return next(self._rest) if first is None else first

    def close(self) -> None:
        self._rest.close()


def check_wants(repository: Path, request: Reader) -> None:
    """Refuse wants for anything that the visible refs do not lead to.

    Protocol version 2 lets a client want any object of the store; pools and
    hidden refs must not leak that way.

    Raises:
        NotFound: An object is wanted that cannot be reached.
        InvalidContent: The request is malformed.
        TooLarge: It wants too much.
    """
    wants = _wants(request)
    tips = set(public_refs(repository).values())
    unknown = wants - tips
    if not unknown:
        return
    reachable = Reachable(
        ObjectStore(repository / "objects"), sorted(tips), Deadline(_SEARCH_TIME_S)
    )
    for oid in sorted(unknown):
        if reachable.kind(oid) is None:
            raise NotFound(f"not our ref {oid}")


def _wants(request: Reader) -> set[str]:
    wants: set[str] = set()
    while (payload := read_packet(request)) is not None:
        if not isinstance(payload, bytes) or not payload.startswith(b"want"):
            continue
        words = payload.decode("ascii", errors="replace").split()
        if len(words) < 2 or not is_oid(words[1]):
            raise InvalidContent("a wanted object id is malformed")
        wants.add(words[1])
        if len(wants) > _WANTS:
            raise TooLarge(f"more than {_WANTS} objects are wanted at once")
    return wants


def _spool(body: Reader, file: IO[bytes]) -> None:
    size = 0
    while chunk := body.read(_SPOOL_BYTES):
        size += len(chunk)
        if size > _REQUEST_BYTES:
            raise TooLarge(f"the request is larger than {_REQUEST_BYTES} bytes")
        file.write(chunk)
    file.flush()
