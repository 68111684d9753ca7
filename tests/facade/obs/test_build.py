"""Reading ``/build`` over rows that a scheduler could have left."""

from collections.abc import Iterator

import pytest

from tests.facade.houses import Caller, Street, fast_directory, status_of

from .golden import agrees, meaning, recorded
from .yard import LOG, A, K, P, Yard


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    """One yard for all: nothing here changes it."""
    street = Street(fast_directory(tmp_path_factory.mktemp("yard")))
    yield Yard(street)
    street.close()


@pytest.fixture(scope="module")
def user(yard: Yard) -> Caller:
    return yard.street.person("user")


def _names(document) -> list[str | None]:
    return [entry.get("name") for entry in document]


def test_directories_of_names(user: Caller) -> None:
    assert _names(user.xml("/build")) == ["deb"]
    assert _names(user.xml(P)) == ["standard", "extra"]
    assert _names(user.xml(f"{P}/standard")) == ["x86_64"]
    assert _names(user.xml(A)) == ["empty", "hello", "off", "unres"]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("/build/gone", "unknown_project"),
        ("/build/gone/_result", "unknown_project"),
        (f"{P}/gone", "unknown_repository"),
        (f"{P}/standard/i586", "unknown_repository"),
        (f"{A}/gone", "unknown_package"),
        (f"{A}/hello:flavor", "unknown_package"),
        (f"{A}/gone/_log", "unknown_package"),
        (f"{P}/_result?package=gone", "unknown_package"),
        (f"{P}/_result?repository=gone", "unknown_repository"),
        (f"{K}/gone.deb", "not_found"),
        (f"{A}/_buildinfo", "not_found"),
    ],
)
def test_what_is_not_there_is_404(user: Caller, url: str, code: str) -> None:
    assert status_of(user.get(url))[:2] == (404, code)


@pytest.mark.parametrize(
    "url", [P, f"{P}/_result", A, K, f"{K}/_log", f"{K}/_history", f"{K}/_reason", f"{K}/_status"]
)
def test_unknown_arguments_are_refused(user: Caller, url: str) -> None:
    status, _, summary = status_of(user.get(f"{url}?frob=1"))
    assert (status, summary) == (400, "unknown parameter 'frob'")


def test_results_as_recorded(user: Caller, yard: Yard) -> None:
    ignore = frozenset({"state", "code"})
    query = "repository=standard&arch=x86_64"
    for view, name in (
        ("", "built.GET_build_PRJ__result.xml"),
        ("&view=summary", "built.GET_build_PRJ__result.view_summary.xml"),
        ("&view=binarylist&package=hello", "built.GET_build_PRJ__result.view_binarylist.xml"),
    ):
        response = user.get(f"{P}/_result?{query}{view}")
        agrees(response, name, ignore=ignore)
    found = user.xml(f"{P}/_result?{query}&code=unresolvable")
    assert [s.get("package") for s in found.iter("status")] == ["unres"]


def test_every_package_has_a_status_in_every_place(user: Caller) -> None:
    document = user.xml(f"{P}/_result")
    assert [(r.get("repository"), len(r)) for r in document] == [("standard", 4), ("extra", 4)]
    extra = document[1]
    assert {s.get("code") for s in extra} == {"blocked"}
    assert extra.get("dirty") == "true"
    assert (extra.get("code"), extra.get("state")) == ("unknown", "unknown")


def test_bad_views_are_refused(user: Caller) -> None:
    assert status_of(user.get(f"{P}/_result?view=frob"))[0] == 400
    assert status_of(user.get(f"{K}?view=frob"))[0] == 400


def test_the_list_of_results_as_recorded(user: Caller) -> None:
    agrees(user.get(K), "built.GET_build_PRJ_REPO_ARCH_PKG.xml", ignore=frozenset({"package"}))
    agrees(user.get(f"{A}/empty"), "GET_build_PRJ_REPO_ARCH_PKG.xml")
    assert user.xml(f"{K}?withmd5=1")[0].get("md5") == "0" * 32


def test_a_result_is_downloaded_whole_or_in_part(user: Caller) -> None:
    response = user.get(f"{K}/hello_1.01.1_all.deb")
    assert (response.status_code, len(response.data)) == (200, 1076)
    assert response.headers["Content-Length"] == "1076"
    part = user.get(f"{K}/hello_1.01.1_all.deb", headers={"Range": "bytes=0-4"})
    assert (part.status_code, part.data) == (206, b"hello")
    missing = user.get(f"{K}/nofile.deb")
    expected = meaning(recorded("built.GET_build_PRJ_REPO_ARCH_PKG_FILE.unknown.xml"))
    assert status_of(missing)[2] == expected[3][0][2]


def test_names_do_not_lead_out_of_the_results(user: Caller) -> None:
    for name in ("..%2f..%2f_log", "_result.json", "%2e%2e", "_log%00"):
        assert user.get(f"{K}/{name}").status_code in (400, 404)


def test_facts_of_a_package_as_recorded(user: Caller) -> None:
    agrees(
        user.get(f"{K}/hello_1.01.1_all.deb?view=fileinfo"),
        "built.GET_build_PRJ_REPO_ARCH_PKG_FILE.view_fileinfo.xml",
    )


def test_the_pool_calls_packages_by_plain_names(user: Caller) -> None:
    for name in ("_repository", "_all", "_binarylist"):
        document = user.xml(f"{A}/{name}")
        assert [b.get("filename") for b in document] == ["hello.deb"]
    assert len(user.get(f"{A}/_repository/hello.deb").data) == 1076
    assert len(user.get(f"{A}/_repository/hello").data) == 1076
    assert status_of(user.get(f"{A}/_repository/gcc.rpm"))[0] == 404


def test_the_pool_as_an_archive_tells_what_lacks(user: Caller) -> None:
    from .test_files import _members

    members = _members(user.get(f"{A}/_repository?view=cpio&binary=hello").data)
    assert list(members) == ["hello.deb"]
    assert len(members["hello.deb"]) == 1076
    members = _members(user.get(f"{A}/_repository?view=cpio&binary=hello&binary=gcc").data)
    assert list(members) == ["hello.deb", ".errors"]
    assert members[".errors"] == b"gcc: not available\n"
    members = _members(user.get(f"{K}?view=cpio&binary=_statistics").data)
    assert list(members) == ["_statistics"]


def test_a_log_is_read_by_offset(user: Caller) -> None:
    response = user.get(f"{K}/_log?nostream=1")
    assert response.data == LOG
    assert response.content_type.startswith("text/plain")
    for query, part in (
        ("start=10&end=20", LOG[10:20]),
        ("start=10", LOG[10:]),
        ("start=-7", LOG[-7:]),
        (f"start={len(LOG)}", b""),
        ("end=5", LOG[:5]),
        ("start=10&end=5", b""),
        ("start=-99999", LOG),
    ):
        response = user.get(f"{K}/_log?nostream=1&{query}")
        assert (response.status_code, response.data) == (200, part)
        assert response.headers["Content-Length"] == str(len(part))
    status, _, summary = status_of(user.get(f"{K}/_log?nostream=1&start={len(LOG) + 1}"))
    assert (status, summary) == (400, "start out of range")
    for bad in ("start=x", "end=-1", "start=1" + "0" * 30):
        assert status_of(user.get(f"{K}/_log?{bad}"))[0] == 400


def test_a_log_as_an_entry(user: Caller) -> None:
    entry = user.xml(f"{K}/_log?view=entry")[0]
    assert (entry.get("name"), entry.get("size")) == ("_log", str(len(LOG)))
    assert int(entry.get("mtime")) > 0


def test_no_log_is_said_so(user: Caller) -> None:
    for name in ("unres", "empty"):
        answer = status_of(user.get(f"{A}/{name}/_log"))
        assert (answer[0], answer[2]) == (404, f"package '{name}' has no logfile")


def test_history_as_recorded(user: Caller) -> None:
    agrees(user.get(f"{K}/_history"), "built.GET_build_PRJ_REPO_ARCH_PKG__history.xml")
    agrees(user.get(f"{A}/empty/_history"), "GET_build_PRJ_REPO_ARCH_PKG__history.xml")


def test_reasons_as_recorded(user: Caller) -> None:
    agrees(user.get(f"{K}/_reason"), "built.GET_build_PRJ_REPO_ARCH_PKG__reason.xml")
    agrees(user.get(f"{A}/empty/_reason"), "GET_build_PRJ_REPO_ARCH_PKG__reason.xml")
