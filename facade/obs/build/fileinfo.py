"""``view=fileinfo``: what the header of a result says (OBS API contract, section 11.2)."""

from __future__ import annotations

from flask import Response

from storage.model import Binary

from ..status import answer
from ..xml import Element

_SINGLE = ("name", "epoch", "version", "release", "arch", "source", "summary", "description")
_MANY = (
    "provides",
    "requires",
    "prerequires",
    "conflicts",
    "obsoletes",
    "recommends",
    "supplements",
    "suggests",
    "enhances",
)


def file_info(name: str, file: Binary) -> Response:
    """The ``fileinfo`` document of one result file."""
    header = file.header
    children = [
        Element(tag, text=str(header[tag])) for tag in _SINGLE if header.get(tag) not in (None, "")
    ]
    children += [
        Element("size", text=str(file.size)),
        Element("mtime", text=str(file.mtime)),
    ]
    for tag in _MANY:
        children += [Element(tag, text=str(text)) for text in header.get(tag) or ()]
    return answer(Element("fileinfo", {"filename": name}, children))
