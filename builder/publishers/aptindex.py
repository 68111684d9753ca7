"""Paragraphs of an apt archive's indexes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from debian.deb822 import Deb822, Dsc

from storage.errors import Damaged, InvalidContent

from .base import Item
from .debcontrol import read_control

_SUMS = ("md5", "sha1", "sha256")
_MAX_DSC_BYTES = 1 << 20
_SOURCE_LISTS = {"Files": "md5", "Checksums-Sha1": "sha1", "Checksums-Sha256": "sha256"}
# What the archive says of a file, not the package of itself.
_OURS = frozenset({"filename", "size", "md5sum", "sha1", "sha256", "sha512", "directory", "status"})


def package_paragraph(item: Item) -> bytes:
    """A .deb's paragraph of ``Packages`` but for ``Filename``, which comes last.

    Raises:
        InvalidContent: The package cannot be read.
        Damaged: It does not have its checksum.
    """
    sums = _sums(item)
    paragraph = Deb822()
    for field, value in read_control(item.path).items():
        if field.lower() not in _OURS:
            paragraph[field] = value
    paragraph["Size"] = str(item.size)
    for field, kind in (("MD5sum", "md5"), ("SHA1", "sha1"), ("SHA256", "sha256")):
        paragraph[field] = sums[kind]
    return paragraph.dump().encode()


def placed(paragraph: bytes, place: str) -> bytes:
    """The paragraph of a package that lies at ``place``."""
    return paragraph + f"Filename: ./{place}\n".encode()


def source_paragraph(item: Item, offered: Mapping[str, Item]) -> bytes:
    """A .dsc's paragraph of ``Sources``.

    Args:
        item: The .dsc file.
        offered: Everything in the tree by place; the files it names must be there.

    Raises:
        InvalidContent: The file cannot be read, or something it names is missing.
        Damaged: It does not have its checksum.
    """
    sums = _sums(item)
    if item.size > _MAX_DSC_BYTES:
        raise InvalidContent("the .dsc file is too large")
    try:
        dsc = Dsc(item.path.read_bytes())
        lists = {field: list(dsc[field]) for field in _SOURCE_LISTS if field in dsc}
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidContent(f"the .dsc file cannot be read: {error}") from error
    if not dsc.get("Source") or not dsc.get("Version") or "Files" not in lists:
        raise InvalidContent("the .dsc file lacks name, version or files")
    for entry in lists["Files"]:
        member = offered.get(entry["name"])
        if member is None or member.md5 != entry["md5sum"]:
            raise InvalidContent(f"{entry['name']} is not offered as the .dsc file describes it")
    paragraph = Deb822({"Package": dsc["Source"]})
    for field in dsc:
        if field.lower() not in _OURS and field != "Source" and field not in _SOURCE_LISTS:
            paragraph[field] = dsc[field]
    paragraph["Directory"] = "."
    for field, entries in lists.items():
        kind = _SOURCE_LISTS[field]
        own = f"{sums[kind]} {item.size} {item.place}"
        lines = [
            f"{e['md5sum' if kind == 'md5' else kind]} {e['size']} {e['name']}" for e in entries
        ]
        paragraph[field] = "".join(f"\n {line}" for line in (own, *lines))
    return paragraph.dump().encode()


def _sums(item: Item) -> dict[str, str]:
    """Checksums of a file, computed anew: a damaged one must not be blessed."""
    digests = {name: hashlib.new(name, usedforsecurity=False) for name in _SUMS}
    with item.path.open("rb") as file:
        while chunk := file.read(1 << 20):
            for digest in digests.values():
                digest.update(chunk)
    sums = {name: digest.hexdigest() for name, digest in digests.items()}
    if sums["sha256"] != item.sha256:
        raise Damaged(f"{item.filename} does not have its checksum")
    return sums
