"""``/build`` while rows change."""

from contextlib import ExitStack

import pytest

from storage.model import JobState, Target
from tests.facade.houses import Caller, Street, status_of

from .golden import agrees
from .test_files import _members
from .yard import LOG, A, K, P, Yard


@pytest.fixture
def yard(street: Street) -> Yard:
    return Yard(street)


@pytest.fixture
def user(street: Street, yard: Yard) -> Caller:
    return street.person("user")


@pytest.mark.parametrize(
    ("state", "whole", "dirty", "expected"),
    [
        ("scheduling", "", False, ("scheduling", "true")),
        ("building", "", False, ("building", None)),
        ("blocked", "", False, ("blocked", None)),
        ("broken", "", False, ("broken", None)),
        ("finished", "", False, ("published", None)),
        ("finished", "published", True, ("finished", None)),
        ("finished", "publishing", True, ("publishing", None)),
        ("finished", "published", False, ("published", None)),
        ("finished", "unpublished", False, ("unpublished", None)),
        ("finished", "broken", False, ("broken", None)),
    ],
)
def test_the_state_of_a_repository(
    user: Caller, yard: Yard, state: str, whole: str, dirty: bool, expected: tuple[str, str | None]
) -> None:
    yard.publication(state, whole=whole, dirty=dirty)
    result = user.xml(f"{P}/_result?repository=standard")[0]
    assert (result.get("code"), result.get("dirty")) == expected
    assert result.get("state") == result.get("code")


@pytest.mark.parametrize(
    ("state", "fields", "code", "details"),
    [
        (JobState.SCHEDULED, {}, "scheduled", None),
        (JobState.DISPATCHING, {}, "dispatching", None),
        (JobState.BUILDING, {}, "building", "building on vm:1"),
        (JobState.SIGNING, {}, "signing", None),
        (JobState.FINISHED, {"result": "failed"}, "finished", "failed"),
    ],
)
def test_an_open_job_tells_its_own_state(
    user: Caller,
    yard: Yard,
    state: JobState,
    fields: dict[str, str],
    code: str,
    details: str | None,
) -> None:
    job = yard.new_job("hello", state, **fields)
    yard.target("hello", JobState.SCHEDULED, job=job.id, good=yard.job.id)
    status = user.xml(f"{P}/_result?package=hello&repository=standard").find("result/status")
    assert (status.get("code"), status.findtext("details")) == (code, details)
    own = user.xml(f"{K}/_status")
    assert (own.get("code"), own.findtext("details")) == (code, details)
    last = user.xml(f"{P}/_result?package=hello&repository=standard&lastbuild=1")
    assert last.find("result/status").get("code") == "succeeded"


def test_what_nobody_looked_at_is_outdated(street: Street, user: Caller, yard: Yard) -> None:
    url = f"{P}/_result?repository=standard&package=hello"
    assert "dirty" not in user.xml(url)[0].attrib
    street.file("deb/hello/README", "x")
    assert user.xml(url)[0].get("dirty") == "true"
    assert user.xml(f"{K}/_status").get("dirty") == "true"
    street.package("deb", "new")
    new = user.xml(f"{P}/_result?repository=standard&package=new").find("result/status")
    assert (new.get("code"), new.findtext("details")) == ("blocked", "waiting for the scheduler")
    assert user.xml(f"{A}/new/_status").get("code") == "unknown"
    yard.settle()
    assert "dirty" not in user.xml(url)[0].attrib


def test_a_broken_repository_always_has_details(user: Caller, yard: Yard) -> None:
    for details in ("", "no build type (deb)"):
        yard.publication("broken", details=details)
        assert user.xml(f"{P}/_result?repository=standard")[0].get("details") == details


def test_words_obs_does_not_have_are_translated(user: Caller, yard: Yard) -> None:
    for state, code in ((JobState.WAITING, "blocked"), (JobState.CANCELED, "failed")):
        yard.target("hello", state)
        assert user.xml(f"{K}/_status").get("code") == code


def test_the_checksum_changes_with_codes_only(user: Caller, yard: Yard) -> None:
    url = f"{P}/_result?repository=standard"
    first = user.xml(url).get("state")
    yard.target("unres", JobState.UNRESOLVABLE, "something else")
    assert user.xml(url).get("state") == first
    yard.target("unres", JobState.FAILED)
    second = user.xml(url).get("state")
    assert second != first
    assert user.xml(f"{url}&oldstate={first}").get("state") == second


def test_a_poll_ends_when_the_house_closes(street: Street, user: Caller) -> None:
    url = f"{P}/_result?repository=standard"
    state = user.xml(url).get("state")
    street.house.waiting.close()
    assert user.xml(f"{url}&oldstate={state}").get("state") == state


def test_closed_binaries_are_not_sent(street: Street, yard: Yard, user: Caller) -> None:
    street.package(
        "deb", "hello", "<binarydownload><disable repository='standard'/></binarydownload>"
    )
    for url in (f"{K}/hello_1.01.1_all.deb", f"{K}?view=cpio"):
        assert status_of(user.get(url))[:2] == (403, "download_binary_no_permission")
    assert street.admin.get(f"{K}/hello_1.01.1_all.deb").status_code == 200


def test_closed_binaries_are_not_in_the_pool(street: Street, yard: Yard, user: Caller) -> None:
    street.package("deb", "hello", "<binarydownload><disable/></binarydownload>")
    assert status_of(user.get(f"{A}/_repository/hello.deb"))[:2] == (
        403,
        "download_binary_no_permission",
    )
    members = _members(user.get(f"{A}/_repository?view=cpio&binary=hello").data)
    assert list(members) == [".errors"]


def test_the_log_of_a_running_build_and_of_the_last_one(user: Caller, yard: Yard) -> None:
    job = yard.new_job("hello", JobState.BUILDING)
    yard.target("hello", JobState.SCHEDULED, job=job.id, good=yard.job.id)
    assert user.get(f"{K}/_log?nostream=1").data == LOG
    yard.log(job).write_bytes(b"running")
    assert user.get(f"{K}/_log?nostream=1").data == b"running"
    assert user.get(f"{K}/_log?nostream=1&last=1").data == LOG
    assert user.get(f"{K}/_log?nostream=1&lastsucceeded=1").data == LOG


def test_a_followed_log_ends_with_its_build(street: Street, user: Caller, yard: Yard) -> None:
    job = yard.new_job("hello", JobState.BUILDING)
    yard.target("hello", JobState.SCHEDULED, job=job.id)
    log = yard.log(job)
    log.write_bytes(b"first ")
    pieces = user.get(f"{K}/_log", buffered=False).iter_encoded()
    assert next(pieces) == b"first "
    with log.open("ab") as stream:
        stream.write(b"second")
    with street.house.records.begin() as unit:
        unit.jobs.transition(job.id, [JobState.BUILDING], JobState.FAILED)
    assert b"".join(pieces) == b"second"


def test_more_followers_than_seats_get_what_is_there(
    street: Street, user: Caller, yard: Yard
) -> None:
    job = yard.new_job("hello", JobState.BUILDING)
    yard.target("hello", JobState.SCHEDULED, job=job.id)
    yard.log(job).write_bytes(b"so far")
    room = street.house.waiting
    with ExitStack() as taken:
        while taken.enter_context(room.seat()):
            pass
        assert user.get(f"{K}/_log").data == b"so far"


def test_closed_sources_close_the_log(street: Street, yard: Yard, user: Caller) -> None:
    street.package("deb", "hello", "<sourceaccess><disable/></sourceaccess>")
    assert status_of(user.get(f"{K}/_log"))[:2] == (403, "source_access_no_permission")


def test_a_reason_names_what_changed(street: Street, user: Caller, yard: Yard) -> None:
    row = yard.row("hello")
    reason = {
        "explain": "meta change",
        "time": 5,
        "oldsource": "0" * 32,
        "packagechange": [{"change": "md5sum", "key": "gcc"}],
    }
    with street.house.records.begin() as unit:
        unit.targets.put(
            Target(
                row.id,
                "hello",
                row.project_id,
                "standard",
                "x86_64",
                JobState.FAILED,
                reason=reason,
            )
        )
    document = user.xml(f"{K}/_reason")
    assert [child.tag for child in document] == ["explain", "time", "oldsource", "packagechange"]
    assert dict(document[3].attrib) == {"change": "md5sum", "key": "gcc"}


def test_the_job_history_as_recorded(user: Caller, yard: Yard) -> None:
    query = "package=hello&limit=1"
    ignore = frozenset({"uri", "hostarch"})
    agrees(
        user.get(f"{A}/_jobhistory?{query}"),
        "built.GET_build_PRJ_REPO_ARCH__jobhistory.limit1.xml",
        ignore=ignore,
    )
    assert len(user.xml(f"{A}/_jobhistory?package=empty")) == 0
    yard.new_job("hello", JobState.FAILED, result="failed", ended_at=500)
    assert [j.get("code") for j in user.xml(f"{A}/_jobhistory")] == ["succeeded", "failed"]
    assert [j.get("code") for j in user.xml(f"{P}/_jobhistory?limit=1")] == ["failed"]
    assert [j.get("code") for j in user.xml(f"{A}/_jobhistory?code=failed")] == ["failed"]
    last = user.xml(f"{A}/_jobhistory?code=lastfailures")
    assert [j.get("code") for j in last] == ["succeeded", "failed"]
    assert status_of(user.get(f"{A}/_jobhistory?code=frob"))[0] == 400


def test_a_running_job_is_described(user: Caller, yard: Yard) -> None:
    assert len(user.xml(f"{K}/_jobstatus")) == 0
    job = yard.new_job("hello", JobState.BUILDING)
    yard.target("hello", JobState.SCHEDULED, job=job.id, good=yard.job.id)
    document = user.xml(f"{K}/_jobstatus")
    assert document.get("code") == "building"
    assert document.findtext("workerid") == "vm:1"
    assert document.findtext("lastduration") == "94"


def test_workers_and_what_they_do(street: Street, user: Caller, yard: Yard) -> None:
    idle = user.xml("/build/_workerstatus")
    assert idle.get("clients") == str(len(idle.findall("idle")))
    yard.new_job("hello", JobState.BUILDING)
    yard.new_job("off", JobState.SCHEDULED)
    for url in ("/build/_workerstatus", "/worker/_status", "/status/workerstatus"):
        document = user.xml(url)
        assert document.find("building").get("package") == "hello"
        assert document.find("waiting").get("jobs") == "1"
    street.project("deb", "<access><disable/></access>")
    hidden = user.xml("/build/_workerstatus")
    assert hidden.find("building") is None
