"""Builds from copr-cli's side, in a whole house: from an SRPM to downloaded packages."""

import json
import re
import shutil
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.builder.srpm import craft
from tests.support import need

from .people import Person, eventually

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
OVER = {"succeeded", "failed", "canceled", "skipped"}


@pytest.fixture
def tools(anna) -> Person:
    """Somebody with a project of one chroot."""
    anna.copr("create", "tools", "--chroot", anna.copr("list-chroots").split()[0])
    return anna


def submit(who: Person, *words: str) -> str:
    """Start a build; gives its number."""
    return re.search(r"Created builds: (\d+)", who.copr(*words, "--nowait")).group(1)


def ended(who: Person, number: str) -> str:
    """The state a build ends in."""
    return eventually(lambda: (word := status(who, number)) in OVER and word, within_s=240)


def status(who: Person, number: str) -> str:
    return asked(who, f"build/{number}")["state"]


def asked(who: Person, path: str) -> dict:
    with urlopen(f"{who.house.url}/api_3/{path}", timeout=30) as answer:
        return json.load(answer)


def test_an_srpm_becomes_packages_that_are_downloaded(tools, tmp_path):
    need.program("rpmbuild", "wget")
    srpm = craft.rpmbuild_source(tmp_path / "made", "greet", "2.0")
    number = submit(tools, "build", "tools", str(srpm))
    assert ended(tools, number) == "succeeded"
    (packages,) = asked(tools, f"build/built-packages/{number}").values()
    assert {p["arch"] for p in packages["packages"]} == {"src", "noarch"}
    assert asked(tools, f"build/{number}")["source_package"]["version"] == "2.0-1"
    tools.copr("download-build", number, "--dest", str(tmp_path / "got"))
    got = {path.name for path in (tmp_path / "got").rglob("*")}
    assert {"greet-2.0-1.noarch.rpm", "greet.spec", "builder-live.log.gz", "success"} <= got
    again = submit(tools, "build", "tools", str(srpm))
    assert ended(tools, again) == "succeeded"
    assert tools.copr("list-builds", "tools").split()[0] == again


def test_what_osc_committed_is_built_by_copr(tools):
    project = f"home:{tools.login}:tools"
    tools.osc("checkout", project)
    tools.osc("mkpac", "hello-py", at=project)
    place = tools.desk / project / "hello-py"
    shutil.copytree(SAMPLES / "hello-py", place, dirs_exist_ok=True)
    tools.osc("add", *(p.name for p in (SAMPLES / "hello-py").iterdir()), at=f"{project}/hello-py")
    tools.osc("commit", "-m", "Add hello-py", at=f"{project}/hello-py")
    first = eventually(lambda: tools.copr("list-builds", "tools").split())[0]
    assert ended(tools, first) == "succeeded"
    second = submit(tools, "build-package", "tools", "--name", "hello-py")
    assert int(second) > int(first)
    assert ended(tools, second) == "succeeded"


def test_a_build_that_fails_and_one_that_is_canceled_say_so(tools, tmp_path):
    need.program("rpmbuild")
    broken = craft.rpmbuild_source(tmp_path / "bad", "bad", "1.0", "Requires: x\n%prep\nexit 3")
    number = submit(tools, "build", "tools", str(broken))
    assert ended(tools, number) == "failed"
    endless = craft.rpmbuild_source(tmp_path / "slow", "slow", "1.0", "\n%build\nsleep 600")
    number = submit(tools, "build", "tools", str(endless))
    chroots = f"build-chroot/list?build_id={number}"
    eventually(lambda: [c for c in asked(tools, chroots)["items"] if c["result_url"]])
    tools.copr("cancel", number)
    assert status(tools, number) == "canceled"
    project = f"home:{tools.login}:tools"
    eventually(lambda: tools.results(project).get("slow") not in ("building", "scheduled"))
    assert ended(tools, number) == "canceled"
    listed = asked(tools, f"build/list?ownername={tools.login}&projectname=tools")["items"]
    assert [build["state"] for build in listed] == ["canceled", "failed"]
    tools.copr("delete-build", number)


def test_a_missing_requirement_fails_the_build_with_its_reason(tools, tmp_path):
    need.program("rpmbuild")
    srpm = craft.rpmbuild_source(tmp_path / "s", "needy", "1.0", "BuildRequires: no-such-thing")
    number = submit(tools, "build", "tools", str(srpm))
    assert ended(tools, number) == "failed"
    assert "no-such-thing" in tools.osc("results", "-v", f"home:{tools.login}:tools", "needy")
