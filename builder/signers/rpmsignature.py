"""Putting a signature into an RPM package without rpm.

A package is a lead of 96 bytes, a signature header, padding to 8 bytes, the
main header and the payload. Signing replaces the signature header by one that
holds the signature over the main header; the main header names the digest of
the payload, so the signature covers everything. Packages of rpm before 4.14
lack that digest: they also get the old signature over header and payload.

Nothing of a package is trusted: every length is checked against a limit and
against the bytes that are really there.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .base import SigningFailed

Detach = Callable[[bytes], bytes]
"""Makes a binary OpenPGP signature packet over bytes."""

_LEAD_BYTES = 96
_LEAD_MAGIC = b"\xed\xab\xee\xdb"
_HEADER_MAGIC = b"\x8e\xad\xe8\x01\x00\x00\x00\x00"
_ENTRY = struct.Struct(">iIiI")
_INTRO = struct.Struct(">8sII")

# Limits of rpm itself (header.c), with a smaller one for the signature header.
_MAX_ENTRIES = 0xFFFF
_MAX_MAIN_BYTES = 0x0FFFFFFF
_MAX_SIGNATURE_BYTES = 64 << 20
_MAX_WHOLE_BYTES = 512 << 20

_REGION = 62
_HEADER_DSA, _HEADER_RSA = 267, 268
_WHOLE_PGP, _WHOLE_GPG = 1002, 1005
_OPENPGP = 278
_RESERVED = 1008
_REPLACED = frozenset(
    {_REGION, _HEADER_DSA, _HEADER_RSA, _WHOLE_PGP, _WHOLE_GPG, _OPENPGP, _RESERVED}
)
_PAYLOAD_DIGEST = 5092
_BIN = 7
_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}
_TEXTS = frozenset({6, 8, 9})
_RSA = 1


@dataclass(frozen=True, slots=True)
class _Entry:
    tag: int
    kind: int
    count: int
    data: bytes


def sign_package(source: Path, target: Path, detach: Detach) -> None:
    """Write ``target``, which must not exist yet, as a signed copy of ``source``.

    Raises:
        SigningFailed: The package is malformed or no signature could be made.
    """
    with source.open("rb") as package:
        header = _signed_header(package, detach)
        start = package.tell()
        try:
            with target.open("xb") as copy:
                package.seek(0)
                copy.write(package.read(_LEAD_BYTES))
                copy.write(header)
                copy.flush()
                _copy_tail(package, start, copy)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                target.unlink()
            raise


def _signed_header(package: BinaryIO, detach: Detach) -> bytes:
    """The new signature header; leaves ``package`` at the start of the main header."""
    if package.read(_LEAD_BYTES)[:4] != _LEAD_MAGIC:
        raise SigningFailed("not an rpm package")
    kept = [e for e in _entries(_header(package, _MAX_SIGNATURE_BYTES)) if e.tag not in _REPLACED]
    package.seek(-package.tell() % 8, os.SEEK_CUR)
    start = package.tell()
    main = _header(package, _MAX_MAIN_BYTES)
    signature = detach(main)
    kept.append(_signature_entry(signature, _HEADER_RSA, _HEADER_DSA))
    if not any(entry.tag == _PAYLOAD_DIGEST for entry in _index(main)):
        whole = main + package.read(_MAX_WHOLE_BYTES)
        if package.read(1):
            raise SigningFailed("a package without payload digest is too large to be signed")
        kept.append(_signature_entry(detach(whole), _WHOLE_PGP, _WHOLE_GPG))
    package.seek(start)
    header = _compose(kept)
    return header + bytes(-len(header) % 8)


def _signature_entry(packet: bytes, rsa_tag: int, other_tag: int) -> _Entry:
    tag = rsa_tag if _algorithm(packet) == _RSA else other_tag
    return _Entry(tag, _BIN, len(packet), packet)


def _algorithm(packet: bytes) -> int:
    """Public key algorithm of a version 4 signature packet (RFC 9580, section 5.2.3)."""
    if len(packet) < 8 or not packet[0] & 0x80:
        raise SigningFailed("the signer did not return a signature packet")
    if packet[0] & 0x40:
        body = 2 if packet[1] < 192 else 3 if packet[1] < 224 else 6
    else:
        body = 1 + (1, 2, 4)[min(packet[0] & 3, 2)]
    if packet[body] != 4:
        raise SigningFailed(f"rpm does not know signatures of version {packet[body]}")
    return packet[body + 2]


def _header(package: BinaryIO, limit_bytes: int) -> bytes:
    """One header structure, intro included."""
    intro = package.read(_INTRO.size)
    if len(intro) < _INTRO.size:
        raise SigningFailed("the rpm package ends early")
    magic, count, size = _INTRO.unpack(intro)
    if magic != _HEADER_MAGIC or not 0 < count <= _MAX_ENTRIES or size > limit_bytes:
        raise SigningFailed("the rpm package has a malformed header")
    wanted = count * _ENTRY.size + size
    rest = package.read(wanted)
    if len(rest) != wanted:
        raise SigningFailed("the rpm package ends early")
    return intro + rest


def _index(header: bytes) -> Iterator[_Entry]:
    """Tags, kinds and counts, without data."""
    _, count, _ = _INTRO.unpack_from(header)
    for number in range(count):
        tag, kind, _, length = _ENTRY.unpack_from(header, _INTRO.size + number * _ENTRY.size)
        yield _Entry(tag, kind, length, b"")


def _entries(header: bytes) -> Iterator[_Entry]:
    """All entries with their data."""
    _, count, _ = _INTRO.unpack_from(header)
    store = memoryview(header)[_INTRO.size + count * _ENTRY.size :]
    for number in range(count):
        tag, kind, offset, length = _ENTRY.unpack_from(header, _INTRO.size + number * _ENTRY.size)
        size = _data_size(store, kind, offset, length)
        if offset < 0 or offset + size > len(store):
            raise SigningFailed("the rpm package has a malformed signature header")
        yield _Entry(tag, kind, length, bytes(store[offset : offset + size]))


def _data_size(store: memoryview, kind: int, offset: int, count: int) -> int:
    if kind in _WIDTHS:
        return count * _WIDTHS[kind]
    if kind not in _TEXTS or not 0 <= offset < len(store) or count > len(store):
        raise SigningFailed("the rpm package has a malformed signature header")
    raw = bytes(store[offset:])
    end = 0
    for _ in range(count):
        end = raw.find(b"\0", end) + 1
        if end == 0:
            raise SigningFailed("the rpm package has a malformed signature header")
    return end


def _compose(entries: list[_Entry]) -> bytes:
    """A header with one immutable region around all entries."""
    index, store = bytearray(), bytearray()
    for entry in sorted(entries, key=lambda e: e.tag):
        store += bytes(-len(store) % _WIDTHS.get(entry.kind, 1))
        index += _ENTRY.pack(entry.tag, entry.kind, len(store), entry.count)
        store += entry.data
    count = len(entries) + 1
    region = _ENTRY.pack(_REGION, _BIN, len(store), _ENTRY.size)
    store += _ENTRY.pack(_REGION, _BIN, -count * _ENTRY.size, _ENTRY.size)
    return _INTRO.pack(_HEADER_MAGIC, count, len(store)) + region + index + store


def _copy_tail(package: BinaryIO, start: int, copy: BinaryIO) -> None:
    """Main header and payload, copied inside the kernel."""
    left = os.fstat(package.fileno()).st_size - start
    package.seek(start)
    while left > 0:
        done = os.sendfile(copy.fileno(), package.fileno(), start, min(left, 1 << 30))
        if done == 0:
            raise SigningFailed("the rpm package was cut while it was copied")
        start += done
        left -= done
