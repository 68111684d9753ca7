"""Reading a pack as it arrives: every bound is checked before the bytes go on.

Neither git nor dulwich looks at sizes before it allocates: a few bytes of
delta can ask for gigabytes. The scan walks the entries of the stream, inflates
them into nothing and passes on only what is within the limits. What it saw
(kind and size of every entry) later answers questions without inflating again.
"""

from __future__ import annotations

import hashlib
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import InvalidContent, TooLarge
from .pktline import Reader, read_exactly

COMMIT, TREE, BLOB, TAG = 1, 2, 3, 4
_OFS_DELTA, _REF_DELTA = 6, 7
_KIND_NAMES = {COMMIT: "commit", TREE: "tree", BLOB: "blob", TAG: "tag"}

_CHUNK_BYTES = 64 * 1024
_TRAILER_BYTES = 20
_MAX_VARINT_BYTES = 10


@dataclass(frozen=True, slots=True)
class PackLimits:
    """How much one push may bring.

    Attributes:
        pack_bytes: Bytes of the pack on the wire.
        object_bytes: Bytes of one object once inflated and patched together.
        objects: Number of objects.
        total_bytes: Sum of all object sizes.
        time_s: Seconds that indexing may take after the upload, and checking after it.
    """

    pack_bytes: int = 1 << 30
    object_bytes: int = 64 << 20
    objects: int = 300_000
    total_bytes: int = 64 << 30
    time_s: float = 300.0


class PackScan:
    """The table of a pack's entries, in the order of the pack."""

    def __init__(self) -> None:
        """Start empty; ``scan_pack`` fills it."""
        self.count = 0
        self.total_bytes = 0
        self._offsets = array("Q")
        self._sizes = array("Q")
        self._kinds = bytearray()
        self._bases = array("q")
        self._named_bases: dict[int, bytes] = {}

    def __contains__(self, offset: int) -> bool:
        """Whether an entry of the pushed pack starts at ``offset``."""
        return self._position(offset) is not None

    def size(self, offset: int) -> int:
        """Bytes of the finished object whose entry starts at ``offset``."""
        position = self._position(offset)
        if position is None:
            raise KeyError(offset)
        return self._sizes[position]

    def kind(
        self,
        offset: int,
        offset_of: Callable[[bytes], int | None],
        kind_outside: Callable[[bytes], int],
    ) -> int:
        """Kind of the object at ``offset``: that of the end of its chain of deltas.

        Args:
            offset: Start of an entry.
            offset_of: Finds the entry of a binary object id in the same pack.
            kind_outside: Kind of an object that a thin pack takes as given.
        """
        position = self._position(offset)
        if position is None:
            raise KeyError(offset)
        chain = []
        while True:
            kind = self._kinds[position]
            if kind in _KIND_NAMES:
                break
            chain.append(position)
            if len(chain) > self.count:
                raise InvalidContent("the pack has deltas that go in a circle")
            if kind == _OFS_DELTA:
                found = self._position(self._bases[position])
            else:
                base = self._named_bases[position]
                base_offset = offset_of(base)
                found = None if base_offset is None else self._position(base_offset)
                if found is None:
                    kind = kind_outside(base)
                    break
            if found is None:
                raise InvalidContent("a delta of the pack has no base")
            position = found
        for position in chain:
            self._kinds[position] = kind
        return kind

    def _position(self, offset: int) -> int | None:
        position = bisect_left(self._offsets, offset)
        if position < len(self._offsets) and self._offsets[position] == offset:
            return position
        return None

    def _add(self, offset: int, kind: int, size: int, base: int, name: bytes | None) -> None:
        if name is not None:
            self._named_bases[len(self._offsets)] = name
        self._offsets.append(offset)
        self._kinds.append(kind)
        self._sizes.append(size)
        self._bases.append(base)


def kind_name(kind: int) -> str:
    """``commit``, ``tree``, ``blob`` or ``tag``."""
    return _KIND_NAMES[kind]


def scan_pack(source: Reader, limits: PackLimits, write: Callable[[bytes], object]) -> PackScan:
    """Copy one pack from ``source`` to ``write``, refusing what is over the limits.

    Reads nothing beyond the pack's last byte but what the source had already
    given with it. A chunk is passed on only after all its entries were checked.

    Args:
        source: Positioned at the pack's first byte.
        limits: The bounds.
        write: Takes the checked bytes, in order.

    Returns:
        The table of entries.

    Raises:
        InvalidContent: This is not a whole pack.
        TooLarge: A bound was reached; ``write`` never saw the offending entry's end.
    """
    return _Scanner(source, limits, write).run()


class _Scanner:
    """State of one scan: a window of bytes read, and how far they are understood."""

    def __init__(
        self, source: Reader, limits: PackLimits, write: Callable[[bytes], object]
    ) -> None:
        self._source = source
        self._limits = limits
        self._write = write
        self._window = b""
        self._at = 0
        self._passed = 0
        self._sum = hashlib.sha1()
        self._scan = PackScan()

    def run(self) -> PackScan:
        head = read_exactly(self._source, 12)
        if len(head) < 12 or head[:4] != b"PACK":
            raise InvalidContent("the request carries no pack")
        if head[4:8] not in (b"\0\0\0\2", b"\0\0\0\3"):
            raise InvalidContent("the pack has an unknown version")
        count = int.from_bytes(head[8:12], "big")
        if count > self._limits.objects:
            raise TooLarge(
                f"the pack has {count} objects, more than the limit of {self._limits.objects}",
                hint="push the history in several steps",
            )
        self._scan.count = count
        self._window, self._at = head, len(head)
        for _ in range(count):
            self._entry()
        self._trailer()
        return self._scan

    def _entry(self) -> None:
        offset = self._passed + self._at
        byte = self._byte()
        kind, size, shift = (byte >> 4) & 7, byte & 15, 4
        while byte & 0x80:
            byte = self._byte()
            size |= (byte & 0x7F) << shift
            shift += 7
            if shift > 7 * _MAX_VARINT_BYTES:
                raise InvalidContent("an object of the pack has an impossible size")
        self._check_size(size)
        base, name = -1, None
        if kind == _OFS_DELTA:
            base = offset - self._distance()
            if base < 12 or base not in self._scan:
                raise InvalidContent("a delta of the pack has no base")
        elif kind == _REF_DELTA:
            name = bytes(self._byte() for _ in range(20))
        elif kind not in _KIND_NAMES:
            raise InvalidContent(f"the pack has an entry of unknown kind {kind}")
        start = self._inflate(size)
        if kind in (_OFS_DELTA, _REF_DELTA):
            size = _delta_result_size(start)
            self._check_size(size)
        self._scan.total_bytes += size
        if self._scan.total_bytes > self._limits.total_bytes:
            raise TooLarge(
                f"the pack unfolds to more than {self._limits.total_bytes} bytes",
                hint="push the history in several steps",
            )
        self._scan._add(offset, kind, size, base, name)

    def _check_size(self, size: int) -> None:
        if size > self._limits.object_bytes:
            raise TooLarge(
                f"an object of {size} bytes is over the limit of {self._limits.object_bytes} bytes",
                hint="track large files with Git LFS",
            )

    def _distance(self) -> int:
        byte = self._byte()
        distance = byte & 0x7F
        for _ in range(_MAX_VARINT_BYTES):
            if not byte & 0x80:
                return distance
            byte = self._byte()
            distance = ((distance + 1) << 7) | (byte & 0x7F)
        raise InvalidContent("a delta of the pack has an impossible base")

    def _inflate(self, size: int) -> bytes:
        """Skip one compressed stream of ``size`` bytes; returns the first of them."""
        unpack = zlib.decompressobj()
        first = b""
        produced = 0
        # Small pieces first: what zlib leaves over is copied each time.
        feed = size + (size >> 9) + 64
        while not unpack.eof:
            if self._at == len(self._window):
                self._refill()
            piece = self._window[self._at : self._at + feed]
            try:
                out = unpack.decompress(piece, _CHUNK_BYTES)
            except zlib.error:
                raise InvalidContent("an object of the pack cannot be inflated") from None
            left = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
            self._at += len(piece) - len(left)
            produced += len(out)
            if len(first) < 2 * _MAX_VARINT_BYTES:
                first += out[: 2 * _MAX_VARINT_BYTES]
            if produced > size:
                break
        if produced != size:
            raise InvalidContent("an object of the pack does not have its announced size")
        return first

    def _byte(self) -> int:
        if self._at == len(self._window):
            self._refill()
        byte = self._window[self._at]
        self._at += 1
        return byte

    def _refill(self) -> None:
        """Pass the understood window on and read the next."""
        self._pass_on(self._window)
        self._window, self._at = self._source.read(_CHUNK_BYTES), 0
        if not self._window:
            raise InvalidContent("the pack ends early", hint="the upload broke off: push again")

    def _pass_on(self, data: bytes) -> None:
        self._passed += len(data)
        if self._passed + _TRAILER_BYTES > self._limits.pack_bytes:
            raise TooLarge(
                f"the pack is larger than {self._limits.pack_bytes} bytes",
                hint="push the history in several steps, large files with Git LFS",
            )
        self._sum.update(data)
        self._write(data)

    def _trailer(self) -> None:
        rest = self._window[self._at :]
        self._pass_on(self._window[: self._at])
        trailer = rest + read_exactly(self._source, max(0, _TRAILER_BYTES - len(rest)))
        if len(trailer) < _TRAILER_BYTES:
            raise InvalidContent("the pack ends early", hint="the upload broke off: push again")
        if len(trailer) > _TRAILER_BYTES:
            raise InvalidContent("bytes follow the pack")
        if trailer != self._sum.digest():
            raise InvalidContent("the pack does not have its checksum")
        self._write(trailer)


def _delta_result_size(start: bytes) -> int:
    """Second number at the start of a delta: the size of what it makes."""
    at = 0
    for _ in range(2):
        value = shift = 0
        while True:
            if at >= len(start) or shift > 7 * _MAX_VARINT_BYTES:
                raise InvalidContent("a delta of the pack cannot be read")
            byte = start[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
    return value
