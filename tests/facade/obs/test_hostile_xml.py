"""Documents made to harm the parser or whoever reads them."""

import time
from collections.abc import Iterator

import pytest

from facade.obs.xml import Element, read, write
from storage.errors import InvalidContent
from tests.facade.houses import Caller, Street, fast_directory, status_of

LAUGHS = (
    "<!DOCTYPE lolz [<!ENTITY a 'ha'>"
    + "".join(f"<!ENTITY {chr(b)} '{f'&{chr(b - 1)};' * 10}'>" for b in range(ord("b"), ord("k")))
    + "]><project name='Base'><title>&j;</title><description/></project>"
)
QUADRATIC = (
    f"<!DOCTYPE d [<!ENTITY a '{'x' * 10_000}'>]>"
    f"<project name='Base'><title>{'&a;' * 1000}</title><description/></project>"
)
HOSTILE = {
    "entities that explode": LAUGHS,
    "one long entity often": QUADRATIC,
    "a file of the server": "<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
    "<project name='Base'><title>&e;</title><description/></project>",
    "an entity in an attribute": "<!DOCTYPE d [<!ENTITY e 'x'>]><project name='&e;'/>",
    "a foreign document type": "<!DOCTYPE d SYSTEM 'http://127.0.0.1:1/x.dtd'>"
    "<project name='Base'><title/><description/></project>",
    "a document type behind a comment": "<!-- x --> <?pi ?><!DOCTYPE d><project name='Base'/>",
    "a document type in capitals": "<!doctype d><project name='Base'/>",
    "a bare entity": "<project name='Base'><title>&nbsp;</title><description/></project>",
    "a deep tree": "<project name='Base'>" + "<a>" * 5000 + "</a>" * 5000 + "</project>",
    "a tree just too deep": "<a>" * 80 + "</a>" * 80,
    "a thousand attributes twice": "<project " + "a='' b='' " * 500 + "/>",
    "the same attribute twice": "<project name='a' name='b'/>",
    "an unfinished document": "<project name='Base'><title>",
    "two roots": "<project name='Base'/><project name='Base'/>",
    "a control character": "<project name='Base'><title>\x01</title><description/></project>",
    "a control reference": "<project name='Base'><title>&#1;</title><description/></project>",
    "a surrogate reference": "<project name='Base'><title>&#xD800;</title><description/></project>",
    "XInclude": "<project xmlns:xi='http://www.w3.org/2001/XInclude' name='Base'>"
    "<title><xi:include href='file:///etc/passwd' parse='text'/></title></project>",
    "a namespace": "<project xmlns='http://example.org/' name='Base'><title/></project>",
    "nothing": "",
    "no markup": "hello",
}
ENCODED = {
    "UTF-16": "<project name='Base'/>".encode("utf-16"),
    "UTF-16 without a mark": "<project name='Base'/>".encode("utf-16-le"),
    "UTF-32": "<project name='Base'/>".encode("utf-32"),
    "UTF-7": b"<?xml version='1.0' encoding='UTF-7'?>+ADw-project name='Base'/+AD4-",
    "EBCDIC": "<?xml version='1.0' encoding='cp037'?><project/>".encode("cp037"),
    "a declared UTF-16": b"<?xml version='1.0' encoding='UTF-16'?><project name='Base'/>",
    "an unknown encoding": b"<?xml version='1.0' encoding='klingon'?><project name='Base'/>",
    "broken UTF-8": b"<project name='Base'><title>\xff\xfe</title></project>",
    "an overlong UTF-8": b"<project name='Base'><title>\xc0\xbc</title></project>",
    "a declared ASCII with more": b"<?xml version='1.0' encoding='us-ascii'?><a>\xe4</a>",
    "a NUL": b"<project name='Base'>\x00</project>",
}


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """One house for all: nothing here may leave a trace in it."""
    street = Street(fast_directory(tmp_path_factory.mktemp("hostile")))
    street.project("Kept")
    street.package("Kept", "p")
    yield street
    street.close()


@pytest.fixture(scope="module")
def admin(street: Street) -> Caller:
    return street.admin


@pytest.mark.parametrize("body", [*HOSTILE.values(), *ENCODED.values()], ids=[*HOSTILE, *ENCODED])
def test_a_hostile_meta_is_a_quick_precise_refusal(admin: Caller, body: str | bytes) -> None:
    began = time.monotonic()
    status, code, summary = status_of(admin.put("/source/Base/_meta", body))
    assert time.monotonic() - began < 10
    assert (status, code) == (400, "validation_failed"), summary
    assert "root:" not in summary
    assert admin.get("/source/Base").status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "/source/Kept/p/_meta",
        "/source/Kept/p/_link",
        "/source/Kept/p/_service?rev=repository",
        "/source/Kept/p/_aggregate?rev=upload",
        "/person/Admin",
        "/group/g",
    ],
)
def test_every_document_goes_through_the_same_parser(admin: Caller, url: str) -> None:
    assert status_of(admin.put(url, LAUGHS))[:2] == (400, "validation_failed")
    answer = status_of(admin.post("/source/Kept/p?cmd=commitfilelist", LAUGHS))
    assert answer[:2] == (400, "validation_failed")


def test_a_document_of_a_million_tags_is_refused_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(InvalidContent):
        read(b"<a>" + b"<b/>" * 1_000_000 + b"</a>", limit_bytes=16 << 20)
    assert time.monotonic() - began < 10


def test_a_large_document_is_refused_by_its_size() -> None:
    with pytest.raises(InvalidContent, match="larger than"):
        read(b"<a>" + b"x" * 2_000_000 + b"</a>")


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("UTF-8", "utf-8"), ("iso-8859-1", "latin-1"), ("ISO-8859-15", "iso-8859-15")],
)
def test_harmless_encodings_are_read(declared: str, encoding: str) -> None:
    text = f"<?xml version='1.0' encoding='{declared}'?>\n<a>\u00e4</a>"
    assert read(text.encode(encoding)).text == "\u00e4"


def test_comments_and_instructions_are_dropped() -> None:
    body = b"\xef\xbb\xbf<?xml version='1.0'?><!-- c --><a><!-- d -->x<?pi?>y<![CDATA[<z>]]></a>"
    assert read(body).text == "xy<z>"


@pytest.mark.parametrize("text", ["\x00\x1f", "\ud800", "\ufffe", "a\rb", "]]>", "&<>\"'"])
def test_whatever_is_written_can_be_read(text: str) -> None:
    document = read(write(Element("a", {"b": text}, text=text)))
    expected = "".join("\ufffd" if ord(c) < 32 and c not in "\t\n\r" else c for c in text)
    expected = expected.replace("\ud800", "\ufffd").replace("\ufffe", "\ufffd")
    assert document.text == expected
