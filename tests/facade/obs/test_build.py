"""``/build`` over rows that a scheduler could have left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.artifacts import result_path
from builder.logs import log_path
from storage.model import Binary, Job, JobState, Package, Publication, Target
from tests.facade.houses import Caller, Street, status_of

from .golden import agrees, meaning, recorded

P = "/build/deb"
A = f"{P}/standard/x86_64"
K = f"{A}/hello"
LOG = b"[    0s] started\n" + b"line\n" * 1000
SRCMD5 = "5ad44c9e95ee3f61adfc493cebee4cc3"
RESULTS = {
    "_buildenv": (16963, {}),
    "_statistics": (288, {}),
    "hello_1.0.dsc": (468, {}),
    "hello_1.0.tar.xz": (628, {}),
    "hello_1.01.1_all.deb": (
        1076,
        {
            "name": "hello",
            "version": "1.01.1",
            "arch": "all",
            "source": "hello",
            "description": "test\ntest",
        },
    ),
    "hello_1.01.1_amd64.buildinfo": (4916, {}),
    "hello_1.01.1_amd64.changes": (847, {}),
}


class Yard:
    """A project with packages in every state; ``job`` is the one good build."""

    def __init__(self, street: Street) -> None:
        self.street = street
        street.project(
            "deb",
            "<repository name='standard'><arch>x86_64</arch></repository>"
            "<repository name='extra'><arch>i586</arch></repository>",
        )
        for name in ("empty", "hello", "off", "unres"):
            street.package("deb", name)
        self.target("empty", JobState.BROKEN, "no source uploaded")
        self.target("off", JobState.DISABLED)
        self.target("unres", JobState.UNRESOLVABLE, "nothing provides nothing-such >= 3")
        self.job = self.new_job(
            "hello", JobState.SUCCEEDED, result="succeeded", bcnt=1, ended_at=394
        )
        self.keep_results(self.job)
        self.target("hello", JobState.SUCCEEDED, job=self.job.id, good=self.job.id)
        self.publication("finished")

    def row(self, name: str) -> Package:
        with self.street.house.records.read() as unit:
            return unit.packages.get("deb", name)

    def new_job(self, name: str, state: JobState, **fields: object) -> Job:
        package = self.row(name)
        facts: dict[str, object] = {
            "project_id": package.project_id,
            "package_id": package.id,
            "repository": "standard",
            "arch": "x86_64",
            "state": state,
            "attempt": 1,
            "rev": 1,
            "srcmd5": SRCMD5,
            "versrel": "1.0-1",
            "reason": {"explain": "new build", "time": 294},
            "worker": "vm:1",
            "created_at": 290,
            "queued_at": 294,
            "started_at": 300,
        }
        with self.street.house.records.begin() as unit:
            from storage.model import Build

            build = unit.builds.create(
                Build(0, package.project_id, "", package.id, name, "", 1, SRCMD5, "commit", None, 0)
            )
            return unit.jobs.create(**{**facts, "build_id": build.id, **fields})

    def target(
        self,
        name: str,
        code: JobState,
        details: str = "",
        *,
        job: int | None = None,
        good: int | None = None,
    ) -> None:
        package = self.row(name)
        reason = {"explain": "new build", "time": 294} if job else {}
        with self.street.house.records.begin() as unit:
            unit.targets.put(
                Target(
                    package.id,
                    name,
                    package.project_id,
                    "standard",
                    "x86_64",
                    code,
                    details,
                    job,
                    good,
                    "",
                    reason,
                )
            )

    def publication(
        self, state: str, *, whole: str = "", dirty: bool = False, details: str = ""
    ) -> None:
        project_id = self.row("hello").project_id
        with self.street.house.records.begin() as unit:
            unit.publications.put(
                Publication(project_id, "deb", "standard", "x86_64", state, details)
            )
            if whole:
                unit.publications.put(
                    Publication(project_id, "deb", "standard", "", whole, "", dirty)
                )

    def keep_results(self, job: Job) -> None:
        settings = self.street.house.builder.settings
        files = []
        for name, (size, header) in RESULTS.items():
            path = result_path(settings, job, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode().ljust(size, b"."))
            files.append(Binary(job.id, name, size, "0" * 32, "0" * 64, 389, header))
        self.log(job).write_bytes(LOG)
        with self.street.house.records.begin() as unit:
            unit.binaries.put_all(job.id, files)

    def log(self, job: Job) -> Path:
        path = log_path(self.street.house.builder.settings, job)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@pytest.fixture
def yard(street: Street) -> Iterator[Yard]:
    return Yard(street)


@pytest.fixture
def user(street: Street, yard: Yard) -> Caller:
    return street.person("user")


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
    assert {s.get("code") for s in extra} == {"unknown"}
    assert (extra.get("code"), extra.get("state")) == ("unknown", "unknown")


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
    from .test_files import _members

    members = _members(user.get(f"{A}/_repository?view=cpio&binary=hello").data)
    assert list(members) == [".errors"]


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
    from contextlib import ExitStack

    with ExitStack() as taken:
        while taken.enter_context(room.seat()):
            pass
        assert user.get(f"{K}/_log").data == b"so far"


def test_closed_sources_close_the_log(street: Street, yard: Yard, user: Caller) -> None:
    street.package("deb", "hello", "<sourceaccess><disable/></sourceaccess>")
    assert status_of(user.get(f"{K}/_log"))[:2] == (403, "source_access_no_permission")


def test_history_as_recorded(user: Caller) -> None:
    agrees(user.get(f"{K}/_history"), "built.GET_build_PRJ_REPO_ARCH_PKG__history.xml")
    agrees(user.get(f"{A}/empty/_history"), "GET_build_PRJ_REPO_ARCH_PKG__history.xml")


def test_reasons_as_recorded(user: Caller) -> None:
    agrees(user.get(f"{K}/_reason"), "built.GET_build_PRJ_REPO_ARCH_PKG__reason.xml")
    agrees(user.get(f"{A}/empty/_reason"), "GET_build_PRJ_REPO_ARCH_PKG__reason.xml")


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
