"""Commands to the builder, and what a local build is told."""

import pytest

from storage.model import Binary, Build, EventKind, Job, JobState, Package, Target
from tests.facade.houses import Caller, Street, status_of

from .golden import DATA

P = "/build/home:anna"
A = f"{P}/standard/x86_64"
SPEC = """Name: {name}
Version: 1.2
Release: 0
Summary: x
License: MIT
{more}
%description
x
%package devel
Summary: x
%description devel
x
"""


@pytest.fixture(autouse=True)
def project(street: Street, anna: Caller) -> None:
    street.project(
        "home:anna",
        "<person userid='anna' role='maintainer'/>"
        "<repository name='standard'><arch>x86_64</arch></repository>",
    )
    street.admin.put("/source/home:anna/_config", "Type: spec\nRepotype: rpm-md\n")
    for name in ("lib", "app"):
        street.package("home:anna", name, by=anna)
        more = "BuildRequires: lib-devel" if name == "app" else ""
        street.file(f"home:anna/{name}/{name}.spec", SPEC.format(name=name, more=more))


def _row(street: Street, name: str) -> Package:
    with street.house.records.read() as unit:
        return unit.packages.get("home:anna", name)


def _job(street: Street, name: str, state: JobState, **fields: object) -> Job:
    package = _row(street, name)
    with street.house.records.begin() as unit:
        build = unit.builds.create(
            Build(0, package.project_id, "", package.id, name, "", 1, "0" * 32, "commit", None, 0)
        )
        job = unit.jobs.create(
            build_id=build.id,
            project_id=package.project_id,
            package_id=package.id,
            repository="standard",
            arch="x86_64",
            state=state,
            attempt=1,
            srcmd5="0" * 32,
            versrel="1.2-1",
            created_at=1,
            **fields,
        )
        good = job.id if state is JobState.SUCCEEDED else None
        code = state if state.is_final else JobState.SCHEDULED
        unit.targets.put(
            Target(
                package.id, name, package.project_id, "standard", "x86_64",
                code, "", job.id, good, "record",
            )
        )  # fmt: skip
    return job


def _built(street: Street, name: str) -> Job:
    """A succeeded job of ``name`` that made ``name`` and ``name-devel``."""
    job = _job(street, name, JobState.SUCCEEDED, result="succeeded", bcnt=4, ended_at=5)
    files = [
        Binary(
            job.id,
            f"{binary}-1.2-1.4.x86_64.rpm",
            10,
            "1" * 32,
            "2" * 64,
            5,
            {
                "type": "rpm",
                "name": binary,
                "version": "1.2",
                "release": "1.4",
                "arch": "x86_64",
                "provides": [f"{binary} = 1.2-1.4"],
                "requires": [],
                "hdrmd5": "3" * 32,
            },
        )
        for binary in (name, f"{name}-devel")
    ]
    with street.house.records.begin() as unit:
        unit.binaries.put_all(job.id, files)
    return job


def _events(street: Street) -> list[tuple[EventKind, str | None]]:
    with street.house.records.begin() as unit:
        found = unit.events.claim(100, "test", 1, int(street.house.clock()) + 10_000)
        for event in found:
            unit.events.done(event.id)
    return [(event.kind, event.package) for event in found]


def test_a_rebuild_forgets_the_record_and_wakes_the_planner(street: Street, anna: Caller) -> None:
    _built(street, "lib")
    _built(street, "app")
    _events(street)
    assert status_of(anna.post(f"{P}?cmd=rebuild&package=lib"))[:2] == (200, "ok")
    with street.house.records.read() as unit:
        records = {
            t.package: t.record for t in unit.targets.of_project(_row(street, "lib").project_id)
        }
        build = unit.builds.latest(_row(street, "lib").id)
    assert records == {"lib": "", "app": "record"}
    assert build is not None
    assert (build.cause, build.submitter) == ("rebuild", "anna")
    assert [package for _, package in _events(street)] == ["lib"]


def test_a_code_chooses_the_packages(street: Street, anna: Caller) -> None:
    _built(street, "lib")
    _job(street, "app", JobState.CANCELED)
    _events(street)
    anna.post(f"{P}?cmd=rebuild&code=failed")
    assert [package for _, package in _events(street)] == ["app"]


def test_the_source_spelling_does_the_same(street: Street, anna: Caller) -> None:
    _built(street, "lib")
    _events(street)
    url = "/source/home:anna/lib?cmd=rebuild&repo=standard&arch=x86_64"
    assert anna.post(url).status_code == 200
    assert [package for _, package in _events(street)] == ["lib"]


def test_wiped_results_are_gone(street: Street, anna: Caller) -> None:
    _built(street, "lib")
    assert len(anna.xml(f"{A}/lib")) == 2
    assert anna.post(f"{P}?cmd=wipe&package=lib&repository=standard&arch=x86_64").status_code == 200
    assert len(anna.xml(f"{A}/lib")) == 0


def test_a_running_build_is_aborted_or_restarted(street: Street, anna: Caller) -> None:
    job = _job(street, "lib", JobState.BUILDING, started_at=1)
    assert anna.post(f"{P}?cmd=restartbuild&package=lib").status_code == 200
    with street.house.records.read() as unit:
        again = unit.jobs.get(job.id)
    assert (again.state, again.attempt) == (JobState.SCHEDULED, 2)
    for word in ("abortbuild", "killbuild"):
        assert anna.post(f"{P}?cmd={word}").status_code == 200
    with street.house.records.read() as unit:
        assert unit.jobs.get(job.id).state is JobState.CANCELED


def test_what_was_never_published_can_be_unpublished(anna: Caller) -> None:
    assert anna.post(f"{P}?cmd=unpublish").status_code == 200
    assert status_of(anna.post(f"{P}?cmd=unpublish&code=failed"))[0] == 400


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "missing_parameter"),
        ("cmd=frob", 400, "illegal_request"),
        ("cmd=rebuild&package=gone", 404, "unknown_package"),
        ("cmd=rebuild&repository=gone", 404, "unknown_repository"),
        ("cmd=rebuild&frob=1", 400, "invalid_parameter"),
    ],
)
def test_bad_commands_are_refused(anna: Caller, query: str, status: int, code: str) -> None:
    assert status_of(anna.post(f"{P}?{query}"))[:2] == (status, code)


def test_a_project_without_repositories_builds_nothing(street: Street, admin: Caller) -> None:
    street.project("Empty")
    status, _, summary = status_of(admin.post("/build/Empty?cmd=rebuild"))
    assert (status, summary) == (400, "no repository defined")


def test_who_may_command(street: Street, anna: Caller, bert: Caller) -> None:
    street.package("home:anna", "lib", "<person userid='bert' role='maintainer'/>")
    assert bert.post(f"{P}?cmd=rebuild&package=lib").status_code == 200
    for query in ("cmd=rebuild", "cmd=wipe&package=app", "cmd=rebuild&package=lib&package=app"):
        answer = status_of(bert.post(f"{P}?{query}"))
        assert answer[:2] == (403, "execute_cmd_no_permission")
    stranger = street.person("carl")
    assert status_of(stranger.post("/source/home:anna/lib?cmd=wipe"))[0] == 403


def test_the_configuration_along_a_path_as_recorded(street: Street, admin: Caller) -> None:
    street.project(
        "base",
        "<repository name='extra'><arch>x86_64</arch></repository><repository name='standard'>"
        "<path project='base' repository='extra'/><arch>x86_64</arch></repository>",
    )
    admin.put("/source/base/_config", "Repotype: debian\nType: dsc\n")
    text = admin.get("/build/base/standard/_buildconfig").text
    expected = (DATA / "GET_build_PRJ_REPO__buildconfig.txt").read_text()
    own = [line for line in text.splitlines() if not line.startswith(("%vendor", "%_download_url"))]
    recorded = [line for line in expected.splitlines() if not line.startswith("%vendor")]
    assert own == recorded


def test_a_local_build_is_told_what_it_needs(street: Street, anna: Caller) -> None:
    _built(street, "lib")
    document = anna.xml(f"{A}/app/_buildinfo")
    assert document.find("error") is None
    assert [child.tag for child in document][:1] == ["arch"]
    assert document.findtext("file") == "app.spec"
    assert document.findtext("versrel") == "1.2-1"
    assert document.findtext("release") == "1.1"
    assert [s.text for s in document.findall("subpack")] == ["app", "app-devel"]
    bdep = document.find("bdep")
    assert dict(bdep.attrib) == {
        "name": "lib-devel",
        "version": "1.2",
        "release": "1.4",
        "arch": "x86_64",
        "project": "home:anna",
        "repository": "standard",
        "hdrmd5": "3" * 32,
    }
    path = document.find("path")
    assert (path.get("project"), path.get("url")) == ("home:anna", None)


def test_the_next_build_has_the_next_number(street: Street, anna: Caller) -> None:
    _built(street, "lib")
    document = anna.xml(f"{A}/lib/_buildinfo")
    assert (document.findtext("bcnt"), document.findtext("release")) == ("5", "1.5")


def test_what_cannot_be_built_says_why_with_200(street: Street, anna: Caller) -> None:
    assert anna.xml(f"{A}/app/_buildinfo").findtext("error") == (
        "unresolvable: nothing provides lib-devel"
    )
    street.package("home:anna", "empty", by=anna)
    assert anna.xml(f"{A}/empty/_buildinfo").findtext("error") == "no source uploaded"
    street.file("home:anna/empty/README", "x")
    assert anna.xml(f"{A}/empty/_buildinfo").findtext("error") == "excluded"


def test_a_disabled_package_is_described_like_others(street: Street, anna: Caller) -> None:
    _built(street, "lib")
    anna.post("/source/home:anna/app?cmd=set_flag&flag=build&status=disable")
    assert anna.xml(f"{A}/app/_buildinfo").find("bdep").get("name") == "lib-devel"


def test_a_posted_recipe_counts_instead(street: Street, anna: Caller) -> None:
    from lxml import etree

    _built(street, "lib")
    recipe = SPEC.format(name="new", more="BuildRequires: lib")
    for url in (f"{A}/app/_buildinfo", f"{A}/_repository/_buildinfo"):
        document = etree.fromstring(anna.post(url, recipe).data)
        assert [b.get("name") for b in document.findall("bdep")] == ["lib"]
    document = etree.fromstring(anna.post(f"{A}/app/_buildinfo?add=lib-devel", recipe).data)
    assert sorted(b.get("name") for b in document.findall("bdep")) == ["lib", "lib-devel"]
    document = etree.fromstring(anna.post(f"{A}/_repository/_buildinfo", _cpio(recipe)).data)
    assert document.findtext("file") == "new.spec"
    assert document.find("versrel") is None


def _cpio(recipe: str) -> bytes:
    from facade.cpio import Member, archive

    class Text:
        size = len(recipe.encode())
        path = None

        def chunks(self, start: int = 0, length: int | None = None):
            yield recipe.encode()

    return b"".join(archive([Member("new.spec", 0, Text)]))


@pytest.mark.parametrize(
    "body",
    [b"070701", b"070701" + b"f" * 200, b"070701" + b"zz" * 60, b"\0\0binary", b"x" * (17 << 20)],
)
def test_a_bad_recipe_is_refused(anna: Caller, body: bytes) -> None:
    status = anna.post(f"{A}/app/_buildinfo", body).status_code
    assert 400 <= status < 500


def test_who_builds_with_what(street: Street, anna: Caller) -> None:
    _built(street, "lib")
    document = anna.xml(f"{A}/_builddepinfo")
    found = {
        p.get("name"): (
            [d.text for d in p.findall("pkgdep")],
            [s.text for s in p.findall("subpkg")],
        )
        for p in document
    }
    assert found["app"] == (["lib-devel"], [])
    assert found["lib"][1] == ["lib", "lib-devel"]
    assert len(anna.xml(f"{A}/_builddepinfo?package=app")) == 1
    assert status_of(anna.get(f"{A}/_builddepinfo?package=gone"))[:2] == (404, "unknown_package")
    assert status_of(anna.get(f"{A}/_builddepinfo?view=frob"))[0] == 400
