"""The source part of builds from git repositories, of this house and from outside."""

import http.server
import os
import subprocess
import threading
import time
from contextlib import contextmanager
from functools import partial

import pytest

from builder.srpm.cancel import cancel_build
from builder.srpm.run import run_source
from storage.model import FlagRule, SourceState
from tests.support import need

from . import craft
from .conftest import PROJECT

MAKEFILE = """\
srpm:
\ttest -z "$(wildcard /root/.ssh)"
\trpmbuild -bs --define "_sourcedir $(dir $(spec))" $(spec)
"""
OWN = f"https://packhouse.example/git/{PROJECT}/tool.git"


@pytest.fixture(autouse=True)
def programs():
    need.root()
    need.program("git", "rpmbuild", "make")


def git(directory, *arguments):
    who = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org"}
    who |= {"GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org"}
    return subprocess.run(
        ["git", "-c", "init.defaultBranch=main", "-C", directory, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **who},
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A repository outside of the house, below ``served``."""
    work = tmp_path / "work"
    (work / "rpm").mkdir(parents=True)
    (work / "rpm" / "tool.spec").write_text(craft.spec_text("tool", "3.1"))
    (work / "rpm" / "greeting.txt").write_text("hello\n")
    (work / ".copr").mkdir()
    (work / ".copr" / "Makefile").write_text(MAKEFILE)
    git(work, "init", "-q")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "first")
    return work


@contextmanager
def served(work, tmp_path):
    """The repository behind HTTP, in the form any web server can serve."""
    top = tmp_path / "served"
    top.mkdir(exist_ok=True)
    subprocess.run(
        ["git", "clone", "-q", "--bare", work, top / "tool.git"], check=True, capture_output=True
    )
    git(top / "tool.git", "update-server-info")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=top))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/tool.git"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def scm(url, **more):
    return {"type": "git", "clone_url": url, "srpm_build_method": "rpkg", **more}


def test_a_repository_of_this_house_is_cloned_from_disk(shop):
    files = {"tool.spec": craft.spec_text("tool", "3.1"), "greeting.txt": "hello\n"}
    shop.package("tool", PROJECT, **{k.replace(".", "__"): v for k, v in files.items()})
    build = shop.run(shop.submit("scm", scm(OWN, spec="tool.spec")))
    assert build.source_state is SourceState.SUCCEEDED, build.source_details
    assert (build.package, build.source_version) == ("tool", "3.1-1")
    assert shop.files("tool")["greeting.txt"] == b"hello\n"


def test_make_srpm_runs_the_makefile_of_an_external_repository(shop, repository, tmp_path):
    with served(repository, tmp_path) as url:
        source = scm(url, subdirectory="rpm", spec="tool.spec", srpm_build_method="make_srpm")
        build = shop.run(shop.submit("scm", source))
    assert build.source_state is SourceState.SUCCEEDED, shop.log(build)
    assert (build.package, build.source_version) == ("tool", "3.1-1")
    assert set(shop.files("tool")) == {"tool.spec", "greeting.txt"}


def test_a_wanted_branch_is_checked_out(shop, repository, tmp_path):
    git(repository, "checkout", "-q", "-b", "next")
    (repository / "rpm" / "tool.spec").write_text(craft.spec_text("tool", "4.0"))
    git(repository, "commit", "-q", "-a", "-m", "next")
    git(repository, "checkout", "-q", "main")
    with served(repository, tmp_path) as url:
        source = scm(url, subdirectory="rpm", committish="next")
        build = shop.run(shop.submit("scm", source))
    assert (build.source_state, build.source_version) == (SourceState.SUCCEEDED, "4.0-1")


def test_templates_of_rpkg_are_rendered(shop, repository, tmp_path):
    spec = craft.spec_text("{{{ git_repo_name }}}", "{{{ git_repo_version lead=2 }}}")
    spec = spec.replace("greeting.txt\nBuild", "{{{ git_repo_pack }}}\nBuild")
    (repository / "rpm" / "tool.spec").write_text(spec + "# {{{ git_dir_vcs }}}\n")
    git(repository, "commit", "-q", "-a", "-m", "second")
    short = git(repository, "rev-parse", "--short=8", "HEAD")
    with served(repository, tmp_path) as url:
        build = shop.run(shop.submit("scm", scm(url, subdirectory="rpm", spec="tool.spec")))
        assert build.source_state is SourceState.SUCCEEDED, shop.log(build)
        assert build.source_version == f"2.0.git.2.{short}-1"
        files = shop.files("tool")
        assert f"tool-{short}.tar.gz" in files
        assert (
            f"# git+{url}#{git(repository, 'rev-parse', 'HEAD')}:rpm".encode() in files["tool.spec"]
        )


@pytest.mark.parametrize("macro", ["date", "git_dir_exec", "git_dir_name; id", "$(id)", ""])
def test_templates_run_nothing(shop, repository, tmp_path, macro):
    text = craft.spec_text("tool", "1.0") + "# {{{ " + macro + " }}}\n"
    (repository / "rpm" / "tool.spec").write_text(text)
    git(repository, "commit", "-q", "-a", "-m", "second")
    with served(repository, tmp_path) as url:
        build = shop.run(shop.submit("scm", scm(url, subdirectory="rpm")))
    assert build.source_state is SourceState.FAILED
    assert "template" in build.source_details


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"committish": "nowhere"}, "exit status"),
        ({"committish": "--upload-pack=touch"}, "is not a commit"),
        ({"committish": "refs/meta/config"}, "is not a commit"),
        ({"subdirectory": "missing"}, "does not exist"),
        ({"subdirectory": "../.."}, "lies outside"),
        ({"subdirectory": ".git"}, "lies outside"),
        ({"subdirectory": "out"}, "lies outside"),
        ({"spec": "missing.spec"}, "does not exist"),
        ({}, "no spec file"),
        ({"srpm_build_method": "tito"}, "Please, install tito"),
        ({"type": "svn"}, "svn"),
    ],
)
def test_a_checkout_that_cannot_be_used_fails_with_a_reason(
    shop, repository, tmp_path, more, reason
):
    (repository / "out").symlink_to("/etc")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "second")
    with served(repository, tmp_path) as url:
        build = shop.run(shop.submit("scm", scm(url, **more)))
    assert build.source_state is SourceState.FAILED
    assert reason in build.source_details, shop.log(build)


def test_a_spec_that_is_a_link_out_of_the_repository_is_not_read(shop, repository, tmp_path):
    (repository / "rpm" / "tool.spec").unlink()
    (repository / "rpm" / "tool.spec").symlink_to("/etc/passwd")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "second")
    with served(repository, tmp_path) as url:
        build = shop.run(shop.submit("scm", scm(url, subdirectory="rpm")))
    assert "lies outside" in build.source_details


def test_private_networks_are_closed_unless_a_setting_opens_them(shop, repository, tmp_path):
    import dataclasses

    settings = dataclasses.replace(shop.house.settings, private_networks=False)
    shop.house = dataclasses.replace(shop.house, settings=settings)
    with served(repository, tmp_path) as url:
        build = shop.run(shop.submit("scm", scm(url, subdirectory="rpm")))
    assert build.source_state is SourceState.FAILED
    assert "private network" in shop.log(build)


def test_a_clone_url_of_another_scheme_is_refused(shop, repository):
    for url in (f"file://{repository}", f"ext::sh -c id% {repository}", str(repository)):
        build = shop.run(shop.submit("scm", scm(url, subdirectory="rpm")))
        assert build.source_state is SourceState.FAILED
        assert "is not an http or https URL" in build.source_details


def test_sources_that_a_submitter_may_not_read_look_missing(shop):
    shop.project("home:bert:secret", flags=(FlagRule("sourceaccess", False),))
    shop.package("tool", "home:bert:secret", tool__spec=craft.spec_text("tool"))
    url = "https://packhouse.example/git/home:bert:secret/tool.git"
    build = shop.run(shop.submit("scm", scm(url), submitter="bert"))
    assert build.source_details == "there is no package home:bert:secret/tool"
    assert (
        "there is no package"
        in shop.run(
            shop.submit("scm", scm("https://packhouse.example/git/nobody/x.git"))
        ).source_details
    )


def test_a_script_leaves_a_spec_and_its_sources(shop):
    script = "#!/bin/sh -e\nmkdir out\ncd out\ncat > hello.spec <<'EOF'\n"
    script += craft.spec_text("hello", "5.0") + "EOF\necho made by $COPR_PACKAGE > greeting.txt\n"
    build = shop.run(shop.submit("custom", {"script": script, "resultdir": "out"}))
    assert build.source_state is SourceState.SUCCEEDED, shop.log(build)
    assert build.source_version == "5.0-1"
    assert shop.files("hello")["greeting.txt"] == b"made by\n"


def test_a_script_reaches_no_network_and_no_data_of_the_house(shop):
    data = shop.house.settings.data_dir
    script = f"#!/bin/sh\nls {data} && exit 0\ncat /proc/net/dev | grep -q eth && exit 0\nexit 7\n"
    build = shop.run(shop.submit("custom", {"script": script}))
    assert build.source_state is SourceState.FAILED
    assert "exit status 7" in build.source_details


def test_a_running_script_is_ended_when_its_build_is_canceled(shop):
    build = shop.submit("custom", {"script": "#!/bin/sh\necho begun\nexec sleep 600\n"})
    child = os.fork()
    if not child:
        try:
            run_source(shop.house, build.id, 0)
        finally:
            os._exit(0)
    log = shop.house.settings.data_dir / "srpm-builds" / str(build.id) / "builder-live.log"
    deadline = time.monotonic() + 60
    while not (log.exists() and b"begun" in log.read_bytes()):
        assert time.monotonic() < deadline, "the script did not begin"
        time.sleep(0.05)
    cancel_build(shop.house, build.id)
    began = time.monotonic()
    os.waitpid(child, 0)
    assert time.monotonic() - began < 20
    build = shop.look(build)
    assert (build.canceled, build.source_state) == (True, SourceState.CANCELED)
    assert "stopped" in shop.log(build)


def test_a_worker_told_to_end_gives_the_source_part_back(shop):
    build = shop.submit("custom", {"script": "#!/bin/sh\nexec sleep 600\n"})
    stop = threading.Event()
    stop.set()
    child = os.fork()
    if not child:
        try:
            run_source(shop.house, build.id, 0, stop)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    build = shop.look(build)
    assert (build.source_state, build.source_attempt) == (SourceState.PENDING, 1)


def test_make_srpm_runs_the_makefile_of_a_branch_of_this_house(shop, repository):
    shop.package("tool", PROJECT, tool__spec="packaged elsewhere")
    kept = shop.house.storage.package(PROJECT, "tool").repository.path
    git(repository, "push", "-q", str(kept), "HEAD:refs/heads/upstream")
    source = scm(OWN, committish="upstream", subdirectory="rpm", spec="tool.spec")
    build = shop.run(shop.submit("scm", source | {"srpm_build_method": "make_srpm"}))
    assert build.source_state is SourceState.SUCCEEDED, shop.log(build)
    assert set(shop.files("tool")) == {"tool.spec", "greeting.txt"}
