import pytest

from tests.facade.houses import Caller, Street, status_of


@pytest.fixture
def package(street: Street, anna: Caller) -> str:
    street.project("home:anna", by=anna)
    street.package("home:anna", "p", by=anna)
    return "/source/home:anna/p"


def test_a_flag_is_set_replaced_and_removed(package: str, anna: Caller) -> None:
    def rules() -> list[tuple[str, str | None]]:
        flags = anna.xml(f"{package}/_meta").find("build")
        return [] if flags is None else [(f.tag, f.get("repository")) for f in flags]

    for status in ("disable", "enable"):
        anna.post(f"{package}?cmd=set_flag&flag=build&status={status}&repository=old")
        assert rules() == [(status, "old")]
    anna.post(f"{package}?cmd=set_flag&flag=build&status=disable")
    assert rules() == [("enable", "old"), ("disable", None)]
    anna.post(f"{package}?cmd=remove_flag&flag=build&repository=old")
    assert rules() == [("disable", None)]


def test_flags_of_a_project_are_edited_too(package: str, anna: Caller) -> None:
    url = "/source/home:anna?cmd=set_flag&flag=publish&status=disable&arch=i586"
    assert status_of(anna.post(url))[:2] == (200, "ok")
    rule = anna.xml("/source/home:anna/_meta").find("publish")[0]
    assert (rule.tag, dict(rule.attrib)) == ("disable", {"arch": "i586"})


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "missing_parameter"),
        ("&flag=build", "missing_parameter"),
        ("&flag=shine&status=enable", "invalid_flag"),
        ("&flag=build&status=maybe", "invalid_flag"),
        ("&flag=lock&status=enable&arch=i586", "invalid_flag"),
        ("&flag=build&status=enable&arch=pdp11", "invalid_flag"),
        ("&flag=access&status=enable", "invalid_flag"),
        ("&flag=build&status=enable&repository=_x", "invalid_repository_name"),
    ],
)
def test_a_bad_flag_command_is_refused(package: str, anna: Caller, query: str, code: str) -> None:
    assert status_of(anna.post(f"{package}?cmd=set_flag{query}"))[:2] == (400, code)


def test_nobody_changes_a_locked_package(package: str, anna: Caller, admin: Caller) -> None:
    anna.put(f"{package}/f", "x")
    assert anna.post(f"{package}?cmd=lock").status_code == 200
    for caller in (anna, admin):
        for method, url in (
            ("PUT", f"{package}/f"),
            ("DELETE", f"{package}/f"),
            ("DELETE", package),
            ("POST", f"{package}?cmd=commitfilelist"),
            ("POST", f"{package}?cmd=set_flag&flag=build&status=enable"),
        ):
            response = caller.call(method, url, "<directory/>")
            assert response.status_code == 403, (method, url)
    meta = "<package name='p' project='home:anna'/>"
    assert anna.put(f"{package}/_meta", meta).status_code == 403
    assert anna.get(f"{package}/f").data == b"x"


def test_unlocking_takes_a_comment(package: str, anna: Caller) -> None:
    assert status_of(anna.post(f"{package}?cmd=unlock&comment=x"))[:2] == (400, "not_locked")
    anna.post(f"{package}?cmd=lock")
    assert status_of(anna.post(f"{package}?cmd=unlock"))[:2] == (400, "missing_parameter")
    assert anna.post(f"{package}?cmd=unlock&comment=done").status_code == 200
    assert anna.put(f"{package}/f", "x").status_code == 200


def test_a_locked_project_locks_its_packages(package: str, anna: Caller) -> None:
    assert anna.post("/source/home:anna?cmd=lock").status_code == 200
    assert anna.put(f"{package}/f", "x").status_code == 403
    assert anna.put("/source/home:anna/_config", "Type: spec").status_code == 403
    assert anna.delete("/source/home:anna").status_code == 403
    new = "<package name='q' project='home:anna'/>"
    assert anna.put("/source/home:anna/q/_meta", new).status_code == 403
    assert anna.post(f"{package}?cmd=unlock&comment=mine").status_code == 200
    assert anna.put(f"{package}/f", "x").status_code == 200
    assert anna.post("/source/home:anna?cmd=unlock&comment=all").status_code == 200
    assert anna.put("/source/home:anna/q/_meta", new).status_code == 200
