"""XML in and out.

Reading: UTF-8 (or a declared ASCII superset), no document type, no entities, no
network, bounded in bytes, markup and depth. What comes out is a plain ``Node``
tree. Writing: ``Element`` to text in the layout OBS uses. This is the only
module that knows lxml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lxml import etree

from storage.errors import InvalidContent

DOCUMENT_BYTES = 1024 * 1024
_MARKUP_LIMIT = 400_000
_DEPTH_LIMIT = 64
_ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "iso-8859-15": "iso-8859-15",
}
_DECLARATION = re.compile(r"<\?xml\s[^>]{0,200}?\?>")
_ENCODING_NAME = re.compile(r"""\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_PROLOG_ITEM = re.compile(r"\s+|<!--.*?-->|<\?.*?\?>", re.DOTALL)
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Node:
    """One element of a document that was read; ``text`` is all its direct text."""

    tag: str
    attrs: Mapping[str, str]
    text: str
    children: tuple[Node, ...]

    def find(self, tag: str) -> Node | None:
        """The first child of that tag."""
        return next((child for child in self.children if child.tag == tag), None)

    def all(self, tag: str) -> Iterator[Node]:
        """Every child of that tag."""
        return (child for child in self.children if child.tag == tag)

    def text_of(self, tag: str) -> str:
        """Text of the first child of that tag, empty without one."""
        child = self.find(tag)
        return child.text if child else ""


@dataclass(frozen=True, slots=True)
class Element:
    """One element to write; attributes of value None are left out."""

    tag: str
    attrs: Mapping[str, object] = field(default_factory=dict)
    children: Sequence[Element] = ()
    text: str | None = None


def read(body: bytes, root: str | None = None, *, limit_bytes: int = DOCUMENT_BYTES) -> Node:
    """Parse a document that somebody sent.

    Args:
        body: The bytes.
        root: Tag the root element must have.
        limit_bytes: Largest accepted document.

    Raises:
        InvalidContent: Not well-formed, hostile, too large or another root.
    """
    if len(body) > limit_bytes:
        raise InvalidContent(f"the document is larger than {limit_bytes} bytes")
    text = _decode(body)
    if text.count("<") > _MARKUP_LIMIT:
        raise InvalidContent(f"the document has more than {_MARKUP_LIMIT} tags")
    _refuse_doctype(text)
    node = _convert(_parse(text))
    if root is not None and node.tag != root:
        raise InvalidContent(f"the root element is '{node.tag[:60]}' instead of '{root}'")
    return node


def write(root: Element) -> bytes:
    """The document as UTF-8 text with a final newline."""
    lines: list[str] = []
    _write(root, "", lines)
    lines.append("")
    return "\n".join(lines).encode()


def _decode(body: bytes) -> str:
    if body[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in body[:4]:
        raise InvalidContent("the document is not UTF-8")
    body = body.removeprefix(b"\xef\xbb\xbf")
    encoding = "utf-8"
    declaration = _DECLARATION.match(body[:256].decode("latin-1"))
    if declaration:
        named = _ENCODING_NAME.search(declaration.group())
        if named:
            encoding = _ENCODINGS.get(named.group(1).lower(), "")
        body = body[declaration.end() :]
    if not encoding:
        raise InvalidContent("the document's encoding is not supported", hint="send UTF-8")
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidContent(f"the document is not {encoding}: byte {error.start}") from None


def _refuse_doctype(text: str) -> None:
    """A document type may only stand before the root element; libxml2 refuses it elsewhere."""
    position = 0
    while match := _PROLOG_ITEM.match(text, position):
        position = match.end()
    if text.startswith("<!", position):
        raise InvalidContent("document types and entities are not accepted")


def _parse(text: str) -> etree._Element:
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        return etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        message = (error.msg or "not well-formed").split("\n", 1)[0]
        raise InvalidContent(f"parser error: {message[:200]}") from None
    except (ValueError, UnicodeEncodeError):
        raise InvalidContent("parser error: not well-formed") from None


def _convert(element: etree._Element, depth: int = 1) -> Node:
    if depth > _DEPTH_LIMIT:
        raise InvalidContent(f"the document is nested deeper than {_DEPTH_LIMIT} elements")
    texts = [element.text or ""]
    children = []
    for child in element:
        # An unexpanded entity reference is the one other kind of child left.
        if not isinstance(child.tag, str):
            raise InvalidContent("document types and entities are not accepted")
        children.append(_convert(child, depth + 1))
        texts.append(child.tail or "")
    attrs = {str(name): str(value) for name, value in element.attrib.items()}
    return Node(str(element.tag), attrs, "".join(texts), tuple(children))


def _write(element: Element, indent: str, lines: list[str]) -> None:
    start = f"{indent}<{element.tag}"
    for name, value in element.attrs.items():
        if value is not None:
            start += f' {name}="{_attribute(str(value))}"'
    if element.children:
        lines.append(start + ">")
        for child in element.children:
            _write(child, indent + "  ", lines)
        lines.append(f"{indent}</{element.tag}>")
    elif element.text is not None:
        lines.append(f"{start}>{_text(element.text)}</{element.tag}>")
    else:
        lines.append(start + " />")


_NEEDS_NOTHING = re.compile(r"[A-Za-z0-9_.:/+=~ -]*")
"""Nearly every attribute of a listing: escaping it five times over would be most of the work."""


def _text(value: str) -> str:
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if "\r" in value:
        value = value.replace("\r", "&#13;")
    return _UNFIT.sub("\ufffd", value)


def _attribute(value: str) -> str:
    if _NEEDS_NOTHING.fullmatch(value):
        return value
    value = _text(value).replace('"', "&quot;")
    if "\n" in value or "\t" in value:
        value = value.replace("\n", "&#10;").replace("\t", "&#9;")
    return value
