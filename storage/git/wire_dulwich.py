"""Serving fetches and indexing packs without a git program, by dulwich.

Answers protocol version 0. dulwich's negotiation is used as it is; the pack is
framed by our own side band writer, whose work is linear in the size of the
pack, and nothing is written to the socket from below: the answer is an
iterator, so a client that goes away ends the work.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple, cast

from dulwich.errors import (
    ApplyDeltaError,
    ChecksumMismatch,
    GitProtocolError,
    ObjectFormatException,
)
from dulwich.object_store import DiskObjectStore
from dulwich.objects import Blob, ObjectID
from dulwich.pack import (
    PackChunkGenerator,
    PackHint,
    UnresolvedDeltas,
    generate_unpacked_objects,
)
from dulwich.protocol import Protocol as DulwichProtocol
from dulwich.refs import DictRefsContainer, Ref
from dulwich.repo import BaseRepo
from dulwich.server import BackendRepo, DictBackend, UploadPackHandler, _ProtocolGraphWalker

from ..errors import InvalidContent
from .advertise import advertisement
from .child import Deadline
from .durable import space_errors
from .objects import ObjectStore, StoredObject
from .packscan import PackLimits, PackScan, scan_pack
from .pktline import BAND_DATA, BAND_PROGRESS, FLUSH, Reader, Special, band, packet, read_packet
from .refs import MAIN
from .wire import public_refs

logger = logging.getLogger(__name__)

_BLOCK_BYTES = 64 * 1024
_WANT_CAPABILITIES = (b"allow-tip-sha1-in-want", b"allow-reachable-sha1-in-want")
_FAILURES = (GitProtocolError, ValueError, KeyError, AssertionError)
_INDEX_FAILURES = (
    ApplyDeltaError,
    ChecksumMismatch,
    UnresolvedDeltas,
    ObjectFormatException,
    zlib.error,
    *_FAILURES,
)

_Wanted = list[tuple[ObjectID, PackHint | None]]


class DulwichFetchServer:
    """dulwich's upload-pack, in the calling thread."""

    name = "dulwich"

    def advertise(self, repository: Path, protocol: str) -> Iterator[bytes]:
        """See ``FetchServer``; every protocol version gets version 0."""
        refs = public_refs(repository)
        with _opened(repository, refs) as repo:
            capabilities = [c.decode() for c in _handler(repo, _Request(), []).capabilities()]
        yield packet(b"# service=git-upload-pack\n") + FLUSH
        objects = ObjectStore(repository / "objects")
        yield from advertisement(refs, capabilities, objects=objects)

    def serve(self, repository: Path, request: IO[bytes], protocol: str) -> Iterator[bytes]:
        """See ``FetchServer``."""
        asked = _read_request(request)
        out: list[bytes] = []
        with _opened(repository, public_refs(repository)) as repo:
            handler = _handler(repo, asked, out)
            try:
                chosen = handler.negotiate()
            except _FAILURES as error:
                # Malformed requests come out of dulwich as any of these.
                logger.info("fetch_refused", extra={"reason": str(error)})
                yield from out
                yield packet(b"ERR the request cannot be answered\n")
                return
            yield from out
            if chosen is not None:
                yield from handler.pack(chosen)


class _Request(NamedTuple):
    """One request.

    Attributes:
        raw: Its packets, in an order that dulwich understands.
        wants: Objects it wants.
        shallow: Where the client's history ends, when it does not ask to change that.
    """

    raw: bytes = b""
    wants: frozenset[ObjectID] = frozenset()
    shallow: frozenset[ObjectID] = frozenset()


class _UploadPack(UploadPackHandler):
    """The stock handler, split into negotiation and an iterator of the pack."""

    asked: _Request
    _wants: list[ObjectID]

    def capabilities(self) -> list[bytes]:
        return [*super().capabilities(), *_WANT_CAPABILITIES]

    def negotiate(self) -> _Wanted | None:
        """Talk about wants and haves; None when no pack is due in this round."""
        self._processing_have_lines = True
        walker = _ProtocolGraphWalker(
            self, self.repo.object_store, self.repo.get_peeled, self.repo.refs.get_symrefs
        )
        self._wants = []

        def determine(heads: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:
            # Whatever is wanted was checked for reachability before.
            known = {**heads, **{Ref(b"refs/wanted/" + oid): oid for oid in self.asked.wants}}
            self._wants = walker.determine_wants(known, depth)
            walker.shallow.update(self.asked.shallow)
            return self._wants

        finder = self.repo.find_missing_objects(
            determine, walker, self.progress, get_tagged=self.get_tagged
        )
        if not self._wants or finder is None:
            return None
        chosen: _Wanted = list(finder)
        no_done = self.has_capability(b"no-done")
        if not walker.handle_done(not no_done, self._done_received):
            return None
        return self._filtered(chosen)

    def pack(self, chosen: _Wanted) -> Iterator[bytes]:
        """The pack of the chosen objects, framed in side bands."""
        if not self.has_capability(b"no-progress"):
            yield from band(BAND_PROGRESS, b"Sending %d objects\n" % len(chosen))
        store = self.repo.object_store
        chunks = PackChunkGenerator(
            num_records=len(chosen),
            records=generate_unpacked_objects(store, chosen),
            object_format=self.repo.object_format,
        )
        for block in _blocks(chunks):
            yield from band(BAND_DATA, block)
        yield FLUSH

    def _filtered(self, chosen: _Wanted) -> _Wanted:
        spec = self.filter_spec
        if spec is None:
            return chosen
        explicit = set(self._wants)
        store = self.repo.object_store
        kept: _Wanted = []
        for oid, hint in chosen:
            is_blob = hint is not None and hint[0] == Blob.type_num
            if is_blob and oid not in explicit:
                size = store[oid].raw_length()
                if not spec.should_include_blob(size):
                    continue
            kept.append((oid, hint))
        return kept


class DulwichPackIngest:
    """dulwich's thin pack indexer, working inside the quarantine."""

    name = "dulwich"

    def ingest(
        self, repository: Path, objects: Path, source: Reader, limits: PackLimits
    ) -> tuple[Path, PackScan]:
        """See ``PackIngest``."""
        with tempfile.TemporaryFile(dir=objects) as spool:
            with space_errors():
                scan = scan_pack(source, limits, spool.write)
                spool.seek(0)
            deadline = Deadline(limits.time_s)

            def watch(*_: object) -> None:
                if deadline.is_over:
                    raise InvalidContent(
                        "indexing the pack took too long", hint="push in several steps"
                    )

            alternates = [os.fspath(repository / "objects")]
            store = DiskObjectStore(objects, alternates=alternates)
            with contextlib.closing(store), space_errors():
                try:
                    pack = store.add_thin_pack(spool.read, None, progress=watch)
                except _INDEX_FAILURES as error:
                    logger.info("index_pack_failed", extra={"reason": str(error)})
                    raise InvalidContent("the pack cannot be indexed") from None
                path = objects / "pack" / Path(os.fsdecode(pack.data.filename)).name
        return path, scan

    def contents(
        self, repository: Path, objects: ObjectStore, ids: Sequence[str], limits: PackLimits
    ) -> Generator[tuple[str, StoredObject], None, None]:
        """See ``PackIngest``."""
        deadline = Deadline(limits.time_s)
        for oid in ids:
            found = objects.find(oid)
            if found is None or deadline.is_over:
                raise InvalidContent("the pack cannot be read")
            yield oid, found


@contextlib.contextmanager
def _opened(repository: Path, refs: Mapping[str, str]) -> Iterator[BaseRepo]:
    """The repository as dulwich's server wants it, with the public refs only."""
    shown: dict[Ref, bytes] = {Ref(name.encode()): oid.encode() for name, oid in refs.items()}
    if MAIN in refs:
        shown[Ref(b"HEAD")] = b"ref: " + MAIN.encode()
    store = DiskObjectStore(repository / "objects")
    with contextlib.closing(store):
        yield BaseRepo(store, DictRefsContainer(shown))


def _handler(repo: BaseRepo, request: _Request, out: list[bytes]) -> _UploadPack:
    def write(data: bytes) -> None:
        out.append(data)

    protocol = DulwichProtocol(io.BytesIO(request.raw).read, write)
    repositories: dict[str, BackendRepo] = {"/": cast(BackendRepo, repo)}
    handler = _UploadPack(DictBackend(repositories), ["/"], protocol, stateless_rpc=True)
    handler.asked = request
    return handler


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Join small chunks, so that a packet is not spent on every few bytes."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        if len(waiting) >= _BLOCK_BYTES:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def _read_request(source: Reader) -> _Request:
    """Read a request and put its head in order.

    dulwich wants a filter right after the wants, and takes ``shallow`` lines
    only together with a ``deepen``.
    """
    head: dict[bytes, list[bytes]] = {b"want": [], b"filter": [], b"shallow": [], b"deepen": []}
    rest: list[bytes] = []
    in_head = True
    while (payload := read_packet(source)) is not None:
        if isinstance(payload, Special):
            in_head = False
            rest.append(FLUSH)
            continue
        word = payload.split(None, 1)[0] if payload.strip() else b""
        if in_head and word in head:
            head[word].append(payload)
        else:
            rest.append(packet(payload))
    wants = frozenset(ObjectID(line[5:45]) for line in head[b"want"])
    shallow: frozenset[ObjectID] = frozenset()
    if not head[b"deepen"]:
        shallow = frozenset(ObjectID(line[8:48]) for line in head.pop(b"shallow"))
    lines = [packet(line) for group in head.values() for line in group]
    return _Request(b"".join([*lines, *rest]), wants, shallow)
