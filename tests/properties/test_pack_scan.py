"""Packs of any form: the scan passes on what it accepts, byte for byte, and fails only politely."""

import hashlib
import io
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import InvalidContent, PackhouseError
from storage.git.packscan import PackLimits, scan_pack

LIMITS = PackLimits(pack_bytes=1 << 20, object_bytes=1 << 18, objects=50, total_bytes=1 << 20)


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def entry(kind, data, extra=b"", level=6):
    size = len(data)
    first, size = (kind << 4) | (size & 15), size >> 4
    head = bytearray()
    while size:
        head.append(first | 0x80)
        first, size = size & 0x7F, size >> 7
    head.append(first)
    return bytes(head) + extra + zlib.compress(data, level)


@st.composite
def packs(draw):
    """A well-formed pack of plain objects and deltas by name, and the sizes it unfolds to."""
    entries, sizes = [], []
    for _ in range(draw(st.integers(0, 8))):
        level = draw(st.sampled_from([0, 1, 9]))
        if draw(st.booleans()):
            data = draw(st.binary(max_size=2000)) * draw(st.sampled_from([1, 1, 50]))
            entries.append(entry(draw(st.sampled_from([1, 2, 3, 4])), data, level=level))
            sizes.append(len(data))
        else:
            result = draw(st.integers(0, 1 << 18))
            delta = varint(draw(st.integers(0, 1 << 18))) + varint(result) + b"\x01x"
            name = draw(st.binary(min_size=20, max_size=20))
            entries.append(entry(7, delta, name, level))
            sizes.append(result)
    body = b"PACK" + (2).to_bytes(4, "big") + len(entries).to_bytes(4, "big") + b"".join(entries)
    return body + hashlib.sha1(body).digest(), sizes


class Reader(io.BytesIO):
    """Answers with as few bytes as the test wants."""

    def __init__(self, data, most):
        super().__init__(data)
        self._most = most

    def read(self, size=-1):
        return super().read(min(size, self._most))


@given(packs(), st.integers(1, 5000))
def test_a_good_pack_passes_unchanged_however_it_arrives(made, most):
    pack, sizes = made
    out = []
    if sum(sizes) > LIMITS.total_bytes:
        return
    scan = scan_pack(Reader(pack, most), LIMITS, out.append)
    assert b"".join(out) == pack
    assert scan.count == len(sizes)
    assert scan.total_bytes == sum(sizes)


@given(packs(), st.integers(0, 10**6))
def test_a_pack_cut_anywhere_is_refused(made, where):
    pack, _ = made
    try:
        scan_pack(io.BytesIO(pack[: where % len(pack)]), LIMITS, lambda _: None)
    except PackhouseError:
        return
    raise AssertionError("a cut pack was accepted")


@given(packs(), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=5))
def test_a_changed_pack_is_refused(made, changes):
    pack, _ = made
    changed = bytearray(pack)
    for where, value in changes:
        changed[where % len(changed)] = value
    if bytes(changed) == pack:
        return
    try:
        scan_pack(io.BytesIO(bytes(changed)), LIMITS, lambda _: None)
    except PackhouseError:
        return
    raise AssertionError("a changed pack was accepted")


@settings(max_examples=200)
@given(st.binary(max_size=500))
def test_noise_is_refused(noise):
    for start in (b"", b"PACK\0\0\0\2", b"PACK\0\0\0\2\0\0\0\3"):
        try:
            scan_pack(io.BytesIO(start + noise), LIMITS, lambda _: None)
        except (InvalidContent, PackhouseError):
            continue
        raise AssertionError("noise was accepted")
