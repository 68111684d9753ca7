import hashlib

import pytest

from tests.facade.houses import Caller, Street, status_of

P = "/source/home:anna/p"


@pytest.fixture(autouse=True)
def package(street: Street, anna: Caller) -> None:
    street.project("home:anna", by=anna)
    street.package("home:anna", "p", by=anna)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def _list(proven: tuple[str, ...] = (), **files: str) -> str:
    entries = ""
    for name, text in files.items():
        proof = f" hash='sha256:{hashlib.sha256(text.encode()).hexdigest()}'"
        entries += f"<entry name='{name}' md5='{_md5(text)}'{proof if name in proven else ''}/>"
    return f"<directory>{entries}</directory>"


def _commit(caller: Caller, body: str, query: str = ""):
    from lxml import etree

    response = caller.post(f"{P}?cmd=commitfilelist&user=anna{query}", body)
    assert response.status_code == 200, response.text
    return etree.fromstring(response.data)


def _hashes(document) -> dict[str, str | None]:
    assert document.get("error") == "missing"
    return {entry.get("name"): entry.get("hash") for entry in document}


def test_the_two_phases_of_an_osc_commit(anna: Caller) -> None:
    first = _commit(anna, _list(a="one", b="two"), "&withvalidate=1")
    assert _hashes(first) == {"a": "new", "b": "new"}
    second = _commit(anna, _list(("a", "b"), a="one", b="two"))
    assert _hashes(second) == {"a": None, "b": None}
    for name, text in (("a", "one"), ("b", "two")):
        anna.put(f"{P}/{name}?rev=repository", text)
    done = _commit(anna, _list(("a", "b"), a="one", b="two"), "&comment=both")
    assert done.get("rev") == "1"
    assert [e.get("name") for e in done] == ["a", "b"]
    assert anna.xml(f"{P}/_history")[0].findtext("comment") == "both"


def test_the_list_is_the_whole_tree(anna: Caller) -> None:
    for name in ("a", "b"):
        anna.put(f"{P}/{name}", name)
    done = _commit(anna, _list(b="b"), "&withvalidate=1")
    assert (done.get("rev"), [e.get("name") for e in done]) == ("3", ["b"])


def test_the_same_list_again_is_a_new_revision(anna: Caller) -> None:
    anna.put(f"{P}/a", "a")
    assert _commit(anna, _list(a="a"), "&withvalidate=1").get("rev") == "2"
    assert _commit(anna, "<directory/>").get("srcmd5") == "d41d8cd98f00b204e9800998ecf8427e"


def test_stored_content_outside_the_tree_must_be_proven(anna: Caller) -> None:
    anna.put(f"{P}/a", "old")
    anna.put(f"{P}/a", "new")
    assert _hashes(_commit(anna, _list(a="old"), "&withvalidate=1")) == {"a": "missing"}
    assert _commit(anna, _list(("a",), a="old")).get("rev") == "3"


def test_a_wrong_proof_is_refused(anna: Caller) -> None:
    anna.put(f"{P}/a", "old")
    anna.put(f"{P}/a", "new")
    body = f"<directory><entry name='a' md5='{_md5('old')}' hash='sha256:{'0' * 64}'/></directory>"
    status, _, summary = status_of(anna.post(f"{P}?cmd=commitfilelist", body))
    assert status == 400
    assert summary.startswith("SHA mismatch for same md5sum")


def test_an_open_upload_area_is_saved_first(anna: Caller) -> None:
    anna.put(f"{P}/a", "a")
    anna.put(f"{P}/b?rev=upload", "b")
    assert _commit(anna, _list(a="a")).get("rev") == "3"
    comments = [r.findtext("comment") for r in anna.xml(f"{P}/_history")]
    assert comments == [None, "autocommit update revision", None]


def test_attributes_of_a_copied_listing_do_not_matter(anna: Caller) -> None:
    anna.put(f"{P}/a", "a")
    body = (
        "<directory name='other' rev='7' vrev='3' srcmd5='x'><linkinfo project='P'/>"
        f"<entry name='a' md5='{_md5('a')}' size='1' mtime='5'/></directory>"
    )
    assert _commit(anna, body).get("rev") == "2"


def test_generated_files_are_dropped_from_the_list(anna: Caller) -> None:
    anna.put(f"{P}/a", "a")
    body = _list(a="a").replace(
        "</directory>", f"<entry name='_service:x' md5='{_md5('s')}'/></directory>"
    )
    assert [e.get("name") for e in _commit(anna, body)] == ["a"]


def test_the_request_that_caused_a_commit_is_kept(anna: Caller) -> None:
    anna.put(f"{P}/a", "a")
    _commit(anna, _list(a="a"), "&requestid=17")
    assert anna.xml(f"{P}/_history")[-1].findtext("requestid") == "17"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("<directory><entry", 400),
        ("", 400),
        ("<package/>", 400),
        (f"<directory><entry name='a/b' md5='{'0' * 32}'/></directory>", 400),
        ("<directory><entry name='a' md5='xyz'/></directory>", 400),
        (f"<directory><entry name='a' md5='{'A' * 32}'/></directory>", 400),
        ("<directory><entry name='a'/></directory>", 400),
        (f"<directory><entry md5='{'0' * 32}'/></directory>", 400),
        (f"<directory>{f'''<entry name='a' md5='{'0' * 32}'/>''' * 2}</directory>", 400),
        (f"<directory><entry name='.a' md5='{'0' * 32}'/></directory>", 400),
        (f"<directory><entry name='_meta' md5='{'0' * 32}'/></directory>", 400),
    ],
)
def test_a_bad_list_is_refused(anna: Caller, body: str, status: int) -> None:
    assert status_of(anna.post(f"{P}?cmd=commitfilelist", body))[0] == status
    assert anna.xml(P).get("rev") is None


def test_unknown_packages_and_strangers(anna: Caller, bert: Caller) -> None:
    unknown = anna.post("/source/home:anna/gone?cmd=commitfilelist", "<directory/>")
    assert status_of(unknown)[:2] == (404, "unknown_package")
    stranger = bert.post(f"{P}?cmd=commitfilelist", "<directory/>")
    assert status_of(stranger)[:2] == (403, "cmd_execution_no_permission")
    assert (
        status_of(anna.post(f"{P}?cmd=commitfilelist&withvalidate=yes", "<directory/>"))[0] == 400
    )


def test_content_of_another_package_is_not_given_away(street: Street, anna: Caller) -> None:
    street.project("Secret", "<sourceaccess><disable/></sourceaccess>")
    street.package("Secret", "p")
    street.file("Secret/p/key", "secret")
    assert _hashes(_commit(anna, _list(key="secret"))) == {"key": None}


def test_history_is_cut_and_picked(anna: Caller) -> None:
    for number in range(5):
        anna.put(f"{P}/a?comment=c{number}", str(number))

    def revs(query: str) -> list[str]:
        return [r.get("rev") for r in anna.xml(f"{P}/_history{query}")]

    assert revs("") == ["1", "2", "3", "4", "5"]
    assert revs("?limit=2") == ["4", "5"]
    assert revs("?rev=3") == ["3"]
    assert status_of(anna.get(f"{P}/_history?rev=9"))[0] == 404
    assert status_of(anna.get(f"{P}/_history?limit=x"))[0] == 400


def test_deletion_and_return_are_revisions(anna: Caller) -> None:
    anna.put(f"{P}/a", "a")
    anna.delete(f"{P}?comment=gone")
    assert status_of(anna.get(P))[:2] == (404, "unknown_package")
    deleted = anna.xml(f"{P}?deleted=1")
    assert [e.get("name") for e in deleted.findall("entry")] == ["a"]
    assert anna.get(f"{P}/a?deleted=1").data == b"a"
    history = anna.xml(f"{P}/_history?deleted=1")
    assert [r.get("rev") for r in history] == ["1", "2"]
    assert history[-1].findtext("comment") == "gone"
    assert anna.post(f"{P}?cmd=undelete&comment=back").status_code == 200
    assert [r.get("rev") for r in anna.xml(f"{P}/_history")] == ["1", "2", "3"]
    assert status_of(anna.post(f"{P}?cmd=undelete"))[0] == 400
    assert status_of(anna.post("/source/home:anna/never?cmd=undelete"))[0] == 403


def test_services_are_answered_without_a_runner(anna: Caller) -> None:
    assert anna.post(f"{P}?cmd=getprojectservices").data.strip() == b"<services />"
    assert status_of(anna.post(f"{P}?cmd=waitservice"))[:2] == (200, "ok")
    answer = status_of(anna.post(f"{P}?cmd=runservice"))
    assert (answer[0], answer[2]) == (404, "no source service defined!")
    anna.put(f"{P}/_service", "<services><service name='x' mode='localonly'/></services>")
    assert anna.post(f"{P}?cmd=runservice").status_code == 200


def test_source_info_names_every_package_asked_for(street: Street, anna: Caller) -> None:
    anna.put(f"{P}/p.spec", "Name: p\nVersion: 1\nBuildRequires: gcc\n")
    street.package("home:anna", "empty", by=anna)
    query = "view=info&package=p&package=empty&package=gone&package=_bad"
    document = anna.xml(f"/source/home:anna?{query}")
    assert document.attrib == {}
    found = {info.get("package"): info for info in document}
    assert list(found) == ["p", "empty", "gone", "_bad"]
    assert found["p"].findtext("filename") == "p.spec"
    assert found["p"].get("srcmd5") == anna.xml(P).get("srcmd5")
    assert found["empty"].findtext("error") == "no source uploaded"
    assert found["gone"].find("error") is not None
    bare = anna.xml("/source/home:anna?view=info&nofilename=1")
    assert [len(info) for info in bare] == [0, 0]
    parsed = anna.xml(f"{P}?view=info&parse=1")
    assert parsed.findtext("version") == "1"
    assert parsed.findtext("deps") == "gcc"
