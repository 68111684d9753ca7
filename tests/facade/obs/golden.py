"""Recorded answers of a real OBS backend, compared by meaning.

Times differ from run to run; spelling of empty elements and white space between
elements is free.
"""

from pathlib import Path

from lxml import etree
from werkzeug.test import TestResponse

DATA = Path(__file__).parent / "data"
_TIMES = frozenset({"mtime", "time", "readytime", "starttime", "endtime", "duration"})


def recorded(name: str) -> bytes:
    return (DATA / name).read_bytes()


def meaning(document: bytes, ignore: frozenset[str] = frozenset()) -> object:
    """Tag, attributes, text and children of a document as plain values."""
    return _meaning(etree.fromstring(document), ignore)


def agrees(response: TestResponse, name: str, *, ignore: frozenset[str] = frozenset()) -> None:
    """The answer means what was recorded under ``name``."""
    assert meaning(response.data, ignore) == meaning(recorded(name), ignore)


def _meaning(element: etree._Element, ignore: frozenset[str]) -> object:
    attrs = {
        key: "TIME" if key in _TIMES else value
        for key, value in element.attrib.items()
        if key not in ignore
    }
    text = "TIME" if element.tag in _TIMES else (element.text or "").strip()
    return element.tag, attrs, text, [_meaning(child, ignore) for child in element]
