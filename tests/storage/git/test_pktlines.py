"""Packet lines."""

import io

import pytest

from storage.errors import InvalidContent
from storage.git.pktline import (
    BAND_DATA,
    DELIMITER_PACKET,
    FLUSH_PACKET,
    MAX_PACKET_BYTES,
    band,
    packet,
    read_packet,
)


class Dripping(io.BytesIO):
    """Gives one byte at a time, as a slow connection does."""

    def read(self, size=-1):
        return super().read(min(size, 1))


def test_a_packet_is_its_length_and_its_bytes():
    assert packet(b"hello\n") == b"000ahello\n"
    assert read_packet(io.BytesIO(b"000ahello\nrest")) == b"hello\n"
    assert read_packet(Dripping(b"000ahello\n")) == b"hello\n"


def test_special_packets_and_the_end_are_told_apart():
    source = io.BytesIO(b"000000010004")
    assert read_packet(source) is FLUSH_PACKET
    assert read_packet(source) is DELIMITER_PACKET
    assert read_packet(source) == b""
    assert read_packet(source) is None


@pytest.mark.parametrize("raw", [b"0", b"000", b"000a", b"000ahell", b"zzzz", b"0x10", b"-001"])
def test_broken_packets_are_refused(raw):
    with pytest.raises(InvalidContent):
        read_packet(io.BytesIO(raw))


@pytest.mark.parametrize("length", [3, MAX_PACKET_BYTES + 1, 0xFFFF])
def test_lengths_out_of_bounds_are_refused(length):
    with pytest.raises(InvalidContent):
        read_packet(io.BytesIO(b"%04x" % length + b"x" * 70_000))


def test_a_packet_has_a_largest_size():
    assert len(packet(b"x" * (MAX_PACKET_BYTES - 4))) == MAX_PACKET_BYTES
    with pytest.raises(ValueError, match="do not fit"):
        packet(b"x" * (MAX_PACKET_BYTES - 3))


@pytest.mark.parametrize("size", [0, 1, 65515, 65516, 200_000])
def test_a_side_band_carries_any_length(size):
    data = bytes(range(256)) * (size // 256 + 1)
    source = io.BytesIO(b"".join(band(BAND_DATA, data[:size])))
    parts = []
    while (payload := read_packet(source)) is not None:
        assert payload[0] == BAND_DATA
        parts.append(payload[1:])
    assert b"".join(parts) == data[:size]
