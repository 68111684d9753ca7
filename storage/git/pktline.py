"""Packet lines: the framing of git's protocols.

A packet is four hex digits of length (itself included) and its bytes; ``0000``
is a flush, ``0001`` a delimiter and ``0002`` the end of a response. Everything
read here comes from strangers: lengths are checked before anything is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ..errors import InvalidContent

FLUSH = b"0000"
MAX_PACKET_BYTES = 65520
_MAX_PAYLOAD_BYTES = MAX_PACKET_BYTES - 4
_MAX_BAND_BYTES = _MAX_PAYLOAD_BYTES - 1

BAND_DATA = 1
BAND_PROGRESS = 2

_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")


class Reader(Protocol):
    """Anything bytes can be read from; may answer with fewer than asked, never with more."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, empty at the end."""
        ...


class Special:
    """A packet without payload: flush, delimiter or end of response."""

    __slots__ = ("length",)

    def __init__(self, length: int) -> None:
        """Remember the length field that names this packet."""
        self.length = length

    def __repr__(self) -> str:
        return f"Special({self.length:04x})"


FLUSH_PACKET = Special(0)
DELIMITER_PACKET = Special(1)
END_PACKET = Special(2)
_SPECIALS = {0: FLUSH_PACKET, 1: DELIMITER_PACKET, 2: END_PACKET}


def read_exactly(source: Reader, size: int) -> bytes:
    """Read ``size`` bytes, or fewer when the source ends before.

    Args:
        source: Where from; short reads are repeated.
        size: Bytes wanted.

    Returns:
        The bytes; shorter than ``size`` only at the end of the source.
    """
    data = source.read(size)
    if len(data) == size or not data:
        return data
    parts = [data]
    missing = size - len(data)
    while missing:
        data = source.read(missing)
        if not data:
            break
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)


def read_packet(source: Reader) -> bytes | Special | None:
    """Read one packet.

    Returns:
        The payload, one of the special packets, or None at a clean end.

    Raises:
        InvalidContent: The length field is nonsense or the source ends inside the packet.
    """
    head = read_exactly(source, 4)
    if not head:
        return None
    if len(head) < 4:
        raise InvalidContent("the request ends inside a packet")
    if not _HEX_DIGITS.issuperset(head):
        raise InvalidContent("a packet length is not hexadecimal")
    length = int(head, 16)
    if length in _SPECIALS:
        return _SPECIALS[length]
    if length < 4 or length > MAX_PACKET_BYTES:
        raise InvalidContent(f"a packet length of {length} bytes is not allowed")
    payload = read_exactly(source, length - 4)
    if len(payload) != length - 4:
        raise InvalidContent("the request ends inside a packet")
    return payload


def packet(payload: bytes) -> bytes:
    """Frame one payload of at most 65,516 bytes."""
    if len(payload) > _MAX_PAYLOAD_BYTES:
        raise ValueError(f"{len(payload)} bytes do not fit in one packet")
    return b"%04x%b" % (len(payload) + 4, payload)


def band(channel: int, data: bytes) -> Iterator[bytes]:
    """Frame ``data`` of any length for one side band.

    Slices a memoryview, so the work is linear in the length of ``data``.

    Args:
        channel: ``BAND_DATA`` or ``BAND_PROGRESS``.
        data: What to carry.

    Yields:
        Whole packets.
    """
    view = memoryview(data)
    for start in range(0, len(view), _MAX_BAND_BYTES):
        part = view[start : start + _MAX_BAND_BYTES]
        yield b"".join((b"%04x%c" % (len(part) + 5, channel), part))
