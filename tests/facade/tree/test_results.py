"""Copr's layout of results (Copr contract, section 4), as copr-cli and wget follow it."""

import gzip
import json
import re
import subprocess

import pytest

from builder.logs import log_path
from builder.srpm.places import source_dir
from storage.model import Build, FlagRule, Grant, JobState
from tests.support import need

TOP = "/results/anna/tools"


def links(response):
    assert response.content_type == "text/html; charset=utf-8", response.text
    return [href.removeprefix("./") for href in re.findall(r'href="(\./[^"]*)"', response.text)]


@pytest.fixture
def tools(yard, built):
    """``anna/tools`` with one finished and published build of hello."""
    yard.project("home:anna:tools", repositories=("debian-12",), arches=("x86_64", "aarch64"))
    yard.job = yard.succeed(
        "hello", [built["hello"], built["hello-src"]], "home:anna:tools", repository="debian-12"
    )
    log_path(yard.house.settings, yard.job).write_text("it was built\n")
    yard.publish("home:anna:tools", "debian-12")
    yard.directory = f"{TOP}/debian-12-x86_64/{yard.job.build_id:08d}-hello/"
    return yard


def source_build(yard, package="hello"):
    with yard.house.records.begin() as unit:
        project = unit.projects.find("home:anna:tools")
        found = unit.packages.find("home:anna:tools", package)
        build = unit.builds.create(
            Build(
                id=0,
                project_id=project.id,
                project=project.name,
                package_id=found.id if found else None,
                package=package,
                commit="",
                rev=0,
                srcmd5="",
                cause="copr",
                submitter="anna",
                created_at=1,
                source_type="scm",
            )
        )
    directory = source_dir(yard.house.settings.data_dir, build.id)
    directory.mkdir(parents=True)
    (directory / "hello-1.0-1.src.rpm").write_bytes(b"source package")
    (directory / "builder-live.log.gz").write_bytes(gzip.compress(b"made\n"))
    return build


def test_a_project_shows_its_chroots_sources_and_key(tools):
    assert links(tools.get(f"{TOP}/")) == [
        "debian-12-x86_64/",
        "debian-12-aarch64/",
        "srpm-builds/",
        "pubkey.gpg",
    ]
    key = tools.get(f"{TOP}/pubkey.gpg")
    assert key.data.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert key.text == tools.house.signer.public_key("home:anna:tools").armored


def test_a_chroot_is_the_repository_and_the_builds_in_it(tools):
    page = links(tools.get(f"{TOP}/debian-12-x86_64/"))
    assert page[0] == f"{tools.job.build_id:08d}-hello/"
    assert {"repodata/", "noarch/"} <= set(page)
    assert tools.get(f"{TOP}/debian-12-x86_64/repodata/repomd.xml").status_code == 200
    rpm = tools.get(f"{TOP}/debian-12-x86_64/noarch/hello-1.0-1.noarch.rpm")
    assert rpm.content_type == "application/x-rpm"
    other = links(tools.get(f"{TOP}/debian-12-aarch64/"))
    assert not [name for name in other if name.endswith("-hello/")]


def test_a_build_shows_its_files_logs_and_facts(tools):
    assert links(tools.get(tools.directory)) == [
        "hello-1.0-1.noarch.rpm",
        "hello-1.0-1.src.rpm",
        "builder-live.log.gz",
        "backend.log.gz",
        "results.json",
        "success",
    ]
    log = tools.get(f"{tools.directory}builder-live.log.gz")
    assert log.content_type == "application/gzip"
    assert "Content-Encoding" not in log.headers
    assert gzip.decompress(log.data) == b"it was built\n"
    assert b"home:anna:tools/hello" in gzip.decompress(
        tools.get(f"{tools.directory}backend.log.gz").data
    )
    assert tools.get(f"{tools.directory}success").data == b""
    assert json.loads(tools.get(f"{tools.directory}results.json").data) == {"packages": []}


def test_packages_of_a_build_are_the_signed_ones(tools):
    result = tools.get(f"{tools.directory}hello-1.0-1.noarch.rpm").data
    published = tools.get(f"{TOP}/debian-12-x86_64/noarch/hello-1.0-1.noarch.rpm").data
    assert result == published


def test_results_json_names_the_packages(tools, built):
    from builder.artifacts import described, results_dir

    with tools.house.records.begin() as unit:
        rows = unit.binaries.of_job(tools.job.id)
        directory = results_dir(tools.house.settings, tools.job.id, 1)
        unit.binaries.put_all(tools.job.id, described(rows, directory))
    found = json.loads(tools.get(f"{tools.directory}results.json").data)
    assert found["packages"][0] == {
        "name": "hello",
        "epoch": 0,
        "version": "1.0",
        "release": "1",
        "arch": "noarch",
    }
    assert [package["arch"] for package in found["packages"]] == ["noarch", "src"]


def test_a_running_build_shows_its_growing_log(tools):
    with tools.house.records.begin() as unit:
        assert unit.jobs.transition(tools.job.id, [JobState.SUCCEEDED], JobState.BUILDING)
    page = links(tools.get(tools.directory))
    assert {"builder-live.log", "backend.log"} <= set(page)
    assert not {"success", "results.json", "builder-live.log.gz"} & set(page)
    assert tools.get(f"{tools.directory}builder-live.log").data == b"it was built\n"
    assert tools.get(f"{tools.directory}builder-live.log.gz").status_code == 404


def test_a_failed_build_shows_no_success(tools):
    with tools.house.records.begin() as unit:
        assert unit.jobs.transition(tools.job.id, [JobState.SUCCEEDED], JobState.FAILED)
    assert "success" not in links(tools.get(tools.directory))
    assert "builder-live.log.gz" in links(tools.get(tools.directory))


def test_the_packed_log_is_made_once(tools):
    log = log_path(tools.house.settings, tools.job)
    first = tools.get(f"{tools.directory}builder-live.log.gz")
    made = log.with_name("_log.gz").stat().st_ino
    again = tools.get(f"{tools.directory}builder-live.log.gz")
    assert first.data == again.data
    assert log.with_name("_log.gz").stat().st_ino == made
    assert not list(log.parent.glob(".packing-*"))
    log.unlink()
    log.with_name("_log.gz").unlink()
    assert gzip.decompress(tools.get(f"{tools.directory}builder-live.log.gz").data) == b""


def test_the_spec_of_a_build_comes_from_its_commit(yard):
    street = yard.street
    street.project(
        "home:anna:tools", "<repository name='debian-12'><arch>x86_64</arch></repository>"
    )
    street.package("home:anna:tools", "hello")
    street.file("home:anna:tools/hello/hello.spec", "Name: hello\n")
    with yard.house.records.begin() as unit:
        package = unit.packages.find("home:anna:tools", "hello")
        yard.ids["home:anna:tools"] = package.project_id
        revision = unit.revisions.latest(package.id, "source")
        build = unit.builds.list_for(package.project_id)[0]
        unit.jobs.create(
            build_id=build.id,
            project_id=package.project_id,
            package_id=package.id,
            repository="debian-12",
            arch="x86_64",
            state=JobState.FAILED,
        )
    assert build.commit == revision.commit
    street.file("home:anna:tools/hello/hello.spec", "Name: hello again\n")
    directory = f"{TOP}/debian-12-x86_64/{build.id:08d}-hello/"
    assert "hello.spec" in links(yard.get(directory))
    spec = yard.get(f"{directory}hello.spec")
    assert (spec.text, spec.content_type) == ("Name: hello\n", "text/plain; charset=utf-8")


def test_the_source_part_has_a_directory_of_its_own(tools):
    build = source_build(tools)
    assert links(tools.get(f"{TOP}/srpm-builds/")) == [f"{build.id:08d}/"]
    directory = f"{TOP}/srpm-builds/{build.id:08d}/"
    assert set(links(tools.get(directory))) == {"hello-1.0-1.src.rpm", "builder-live.log.gz"}
    assert tools.get(f"{directory}hello-1.0-1.src.rpm").data == b"source package"
    assert gzip.decompress(tools.get(f"{directory}builder-live.log.gz").data) == b"made\n"


def test_source_parts_of_unknown_packages_follow_their_project(tools):
    build = source_build(tools, package="")
    assert tools.get(f"{TOP}/srpm-builds/{build.id:08d}/").status_code == 200


def test_groups_and_other_owners_have_the_same_layout(yard, built):
    for project, top in (("group:qa:tools", "/results/@qa/tools"), ("Base:Tools", None)):
        yard.project(project, repositories=("debian-12",))
        yard.succeed("hello", [built["hello"]], project, repository="debian-12")
        yard.publish(project, "debian-12")
        top = top or "/results/Base/Tools"
        assert "debian-12-x86_64/" in links(yard.get(f"{top}/"))
        assert yard.get(f"{top}/debian-12-x86_64/repodata/repomd.xml").status_code == 200
    assert yard.get("/results/%40qa/tools/").status_code == 200


def test_what_is_not_there(tools):
    build = tools.job.build_id
    for path in (
        "/results/",
        "/results/anna",
        "/results/nobody/tools/",
        "/results/anna/nothing/",
        f"{TOP}/debian-12/",
        f"{TOP}/debian-12-s390x/",
        f"{TOP}/debian-12-aarch64/{build:08d}-hello/",
        f"{TOP}/debian-12-x86_64/{build:08d}-other/",
        f"{TOP}/debian-12-x86_64/{build + 1:08d}-hello/",
        f"{TOP}/debian-12-x86_64/99999999999999999999-hello/",
        f"{tools.directory}nothing.rpm",
        f"{tools.directory}_log",
        f"{tools.directory}../{build:08d}-hello/../../../../../packhouse.db",
        f"{tools.directory}results/hello-1.0-1.noarch.rpm",
        f"{TOP}/debian-12-x86_64/../../../../keys/",
        f"{TOP}/srpm-builds/{build:08d}/",
        f"{TOP}/srpm-builds/{build}/",
        f"{TOP}/srpm-builds/..%2f..%2fpackhouse.db",
        f"{TOP}/pubkey.gpg/x",
    ):
        assert tools.get(path).status_code == 404, path


def test_builds_are_shown_in_their_own_project_only(tools, built):
    tools.project("home:ben:tools", repositories=("debian-12",))
    tools.succeed("hello", [built["hello"]], "home:ben:tools", repository="debian-12")
    foreign = f"/results/ben/tools/debian-12-x86_64/{tools.job.build_id:08d}-hello/"
    assert tools.get(foreign).status_code == 404


def test_closed_sources_take_source_packages_and_source_parts_away(tools):
    build = source_build(tools)
    anna = tools.street.person("anna")
    tools.project(
        "home:anna:tools",
        repositories=("debian-12",),
        flags=(FlagRule("sourceaccess", False),),
        grants=(Grant("person", "anna", "maintainer"),),
    )
    assert "hello-1.0-1.src.rpm" not in links(tools.get(tools.directory))
    assert tools.get(f"{tools.directory}hello-1.0-1.src.rpm").status_code == 404
    assert tools.get(f"{TOP}/srpm-builds/{build.id:08d}/").status_code == 403
    assert "hello-1.0-1.src.rpm" in links(tools.get(tools.directory, by=anna))
    assert tools.get(f"{TOP}/srpm-builds/{build.id:08d}/", by=anna).status_code == 200


def test_hidden_projects_and_closed_binaries(tools):
    tools.project(
        "home:anna:tools", repositories=("debian-12",), flags=(FlagRule("access", False),)
    )
    for path in (f"{TOP}/", tools.directory, f"{TOP}/pubkey.gpg"):
        assert tools.get(path).status_code == 404
    closed = (FlagRule("binarydownload", False),)
    tools.project("home:anna:tools", repositories=("debian-12",), flags=closed)
    for path in (tools.directory, f"{TOP}/debian-12-x86_64/repodata/repomd.xml"):
        assert tools.get(path).status_code == 403


def test_wget_takes_a_build_as_copr_cli_calls_it(tools, live, tmp_path):
    need.program("wget")
    subprocess.run(
        [
            *("wget", "-q", "-r", "-nH", "--no-parent", "--reject", "*.html,robots.txt*"),
            *("--cut-dirs", "6", "--no-proxy", f"{live}{tools.directory}"),
        ],
        cwd=tmp_path,
        check=True,
        timeout=60,
    )
    found = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert {"hello-1.0-1.noarch.rpm", "builder-live.log.gz", "results.json", "success"} <= found
    rpm = (tmp_path / "hello-1.0-1.noarch.rpm").read_bytes()
    assert rpm == tools.get(f"{tools.directory}hello-1.0-1.noarch.rpm").data
