"""Serving fetches and indexing packs with the git program."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import IO

from ..errors import InvalidContent, StorageFull
from .child import GitChild, repository_environment
from .objects import ObjectStore, StoredObject
from .packscan import PackLimits, PackScan, scan_pack
from .pktline import FLUSH, Reader, packet

logger = logging.getLogger(__name__)

_IDLE_TIMEOUT_S = 300
_END_TIMEOUT_S = 30.0
_INDEX_MEMORY_BYTES = 1 << 30
_LINE_BYTES = 100

_FETCH_SETTINGS = (
    "transfer.hideRefs=refs",
    "transfer.hideRefs=!refs/heads",
    "transfer.hideRefs=!refs/tags",
    # What may be wanted was checked before git is asked.
    "uploadpack.allowAnySHA1InWant=true",
    "uploadpack.allowFilter=true",
    "uploadpackfilter.allow=false",
    "uploadpackfilter.blob:none.allow=true",
    "uploadpackfilter.blob:limit.allow=true",
    "uploadpackfilter.tree.allow=true",
    "uploadpackfilter.tree.maxDepth=16",
    "uploadpackfilter.object:type.allow=true",
    "lsrefs.unborn=advertise",
)
# Durable is what the repository gets, not the quarantine.
_INDEX_SETTINGS = (
    "core.fsync=none",
    "core.packedGitWindowSize=32m",
    "core.packedGitLimit=256m",
)


class NativeFetchServer:
    """``git upload-pack``, one process per request."""

    name = "native"

    def __init__(self, program: str) -> None:
        """Remember where git is.

        Args:
            program: Path of the git program.
        """
        self._program = program

    def advertise(self, repository: Path, protocol: str) -> Iterator[bytes]:
        """See ``FetchServer``."""
        if "version=2" not in protocol.split(":"):
            yield packet(b"# service=git-upload-pack\n") + FLUSH
        with open(os.devnull, "rb") as nothing:
            yield from self._run(repository, ["--advertise-refs"], nothing, protocol)

    def serve(self, repository: Path, request: IO[bytes], protocol: str) -> Iterator[bytes]:
        """See ``FetchServer``."""
        yield from self._run(repository, [], request, protocol)

    def _run(
        self, repository: Path, options: list[str], request: IO[bytes], protocol: str
    ) -> Iterator[bytes]:
        environment = {"GIT_PROTOCOL": protocol} if protocol else {}
        arguments = ["upload-pack", "--strict", "--stateless-rpc", f"--timeout={_IDLE_TIMEOUT_S}"]
        with GitChild(
            self._program,
            [*arguments, *options, str(repository)],
            settings=_FETCH_SETTINGS,
            env=environment,
            stdin=request,
        ) as child:
            yield from child.chunks()
            if child.wait(_END_TIMEOUT_S) != 0:
                # The client learnt the reason through the protocol, if there was one.
                logger.info("upload_pack_failed", extra={"complaint": child.complaint()})


class NativePackIngest:
    """``git index-pack`` fed through the scan."""

    name = "native"

    def __init__(self, program: str) -> None:
        """Remember where git is.

        Args:
            program: Path of the git program.
        """
        self._program = program

    def ingest(
        self, repository: Path, objects: Path, source: Reader, limits: PackLimits
    ) -> tuple[Path, PackScan]:
        """See ``PackIngest``."""
        with GitChild(
            self._program,
            ["index-pack", "--stdin", "--fix-thin", f"--max-input-size={limits.pack_bytes}"],
            settings=_INDEX_SETTINGS,
            env=repository_environment(repository, objects),
            memory_bytes=_INDEX_MEMORY_BYTES + 8 * limits.object_bytes,
        ) as child:
            scan = self._feed(child, source, limits)
            # Reading the answer blocks until git is done, so a timer watches over it.
            watch = threading.Timer(limits.time_s, child.kill)
            watch.start()
            try:
                answer = b"".join(child.chunks())
            finally:
                watch.cancel()
            if child.wait(_END_TIMEOUT_S) != 0:
                raise _failure(child)
        name = answer.decode("ascii").split()[-1]
        return objects / "pack" / f"pack-{name}.pack", scan

    def contents(
        self, repository: Path, objects: ObjectStore, ids: Sequence[str], limits: PackLimits
    ) -> Generator[tuple[str, StoredObject], None, None]:
        """See ``PackIngest``."""
        with tempfile.TemporaryFile(dir=objects.path) as wanted:
            wanted.writelines(b"%s\n" % oid.encode("ascii") for oid in ids)
            wanted.seek(0)
            with GitChild(
                self._program,
                ["cat-file", "--batch", "--buffer"],
                settings=_INDEX_SETTINGS,
                env=repository_environment(repository, objects.path),
                stdin=wanted,
                memory_bytes=_INDEX_MEMORY_BYTES + 8 * limits.object_bytes,
            ) as child:
                watch = threading.Timer(limits.time_s, child.kill)
                watch.start()
                try:
                    for oid in ids:
                        yield oid, _next_object(child.stdout, oid)
                finally:
                    watch.cancel()

    def _feed(self, child: GitChild, source: Reader, limits: PackLimits) -> PackScan:
        stdin = child.stdin
        assert stdin is not None
        try:
            scan = scan_pack(source, limits, stdin.write)
            stdin.close()
        except BrokenPipeError:
            child.wait(_END_TIMEOUT_S)
            raise _failure(child) from None
        return scan


def _next_object(stream: IO[bytes], oid: str) -> StoredObject:
    """One answer of ``git cat-file --batch``: a line, the content, a newline."""
    words = stream.readline(_LINE_BYTES).split()
    if len(words) != 3 or words[0] != oid.encode("ascii"):
        raise InvalidContent("the pack cannot be read")
    size = int(words[2])
    data = stream.read(size + 1)
    if len(data) != size + 1:
        raise InvalidContent("the pack cannot be read")
    return StoredObject(words[1].decode("ascii"), data[:-1])


def _failure(child: GitChild) -> Exception:
    complaint = child.complaint()
    logger.info("index_pack_failed", extra={"complaint": complaint})
    if "No space left" in complaint:
        return StorageFull("no space left on the storage device")
    if not complaint:
        return InvalidContent("indexing the pack took too long", hint="push in several steps")
    return InvalidContent("the pack cannot be indexed")
