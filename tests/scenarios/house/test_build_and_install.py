"""From a commit to a package that dnf, zypper and apt install."""

import shutil
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.support import need

from .people import Person, eventually

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
BROKEN = {"failed", "broken", "unresolvable"}


@pytest.fixture
def tools(anna) -> str:
    """A project made by copr-cli with one chroot; gives its OBS name."""
    chroot = anna.copr("list-chroots").split()[0]
    anna.copr("create", "tools", "--chroot", chroot)
    return f"home:{anna.login}:tools"


def commit(anna: Person, project: str, package: str, sample: str) -> None:
    """Put a sample in by osc."""
    if not (anna.desk / project).exists():
        anna.osc("checkout", project)
    anna.osc("mkpac", package, at=project)
    shutil.copytree(SAMPLES / sample, anna.desk / project / package, dirs_exist_ok=True)
    names = [path.name for path in (SAMPLES / sample).iterdir()]
    anna.osc("add", *names, at=f"{project}/{package}")
    anna.osc("commit", "-m", f"Add {sample}", at=f"{project}/{package}")


def wait_built(anna: Person, project: str, *packages: str) -> dict[str, str]:
    """States once every named package ended."""

    def ended() -> dict[str, str]:
        states = anna.results(project)
        done = BROKEN | {"succeeded", "excluded"}
        return states if all(states.get(p) in done for p in packages) else {}

    return eventually(ended, within_s=240)


def wait_published(anna: Person, project: str) -> str:
    """Wait for the repository; gives its URL."""
    eventually(lambda: anna.published(project), within_s=60)
    path = project.replace(":", ":/")
    repository = anna.copr("list-chroots").split()[0].rpartition("-")[0]
    return f"{anna.house.url}/repositories/{path}/{repository}"


def run(*argv: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=300)


def test_three_kinds_of_packages_through_three_doors(anna, tools, tmp_path):
    commit(anna, tools, "hello-c", "hello-c")
    meta = f'<package name="hello-deb" project="{tools}"><title/><description/></package>'
    anna.osc("meta", "pkg", tools, "hello-deb", "-F", "-", stdin=meta)
    shutil.copytree(SAMPLES / "hello-deb", anna.desk / "hello-deb")
    anna.git("init", "-q", "-b", "main", at="hello-deb")
    anna.git("add", ".", at="hello-deb")
    anna.git("commit", "-qm", "Add hello-deb", at="hello-deb")
    pushed = anna.git("push", anna.git_url(tools, "hello-deb"), "main", at="hello-deb")
    assert "remote: packhouse: revision 1, build" in pushed
    source = source_rpm("hello-py", tmp_path)
    anna.copr("build", "--nowait", "tools", str(source))
    eventually(lambda: "hello-py" in anna.results(tools), within_s=60)
    states = wait_built(anna, tools, "hello-c", "hello-deb", "hello-py")
    assert states == dict.fromkeys(("hello-c", "hello-deb", "hello-py"), "succeeded")
    assert "hello-py.spec" in anna.osc("ls", tools, "hello-py")


def source_rpm(sample: str, work: Path) -> Path:
    done = run(
        *("rpmbuild", "-bs", "--nodeps", "--define", f"_topdir {work}/rpm"),
        *("--define", f"_sourcedir {SAMPLES / sample}", SAMPLES / sample / f"{sample}.spec"),
    )
    assert done.returncode == 0, done.stderr
    (path,) = (work / "rpm/SRPMS").iterdir()
    return path


def read(url: str) -> str:
    with urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def repo_file(url: str, directory: Path) -> Path:
    """The served .repo file as a user would save it, with both signature checks on."""
    text = read(url)
    assert "gpgcheck=1" in text.splitlines()
    directory.mkdir()
    path = directory / "house.repo"
    lines = [line for line in text.splitlines() if not line.startswith("repo_gpgcheck")]
    path.write_text("\n".join([*lines, "repo_gpgcheck=1", ""]))
    return path


def install_by_dnf(url: str, work: Path, name: str) -> None:
    repo = repo_file(url, work / "dnf")
    done = run(
        *("dnf", "-y", f"--installroot={work}/dnf-root", "--releasever=1"),
        *(f"--setopt=reposdir={repo.parent}", f"--setopt=cachedir={work}/dnf-cache"),
        *("--setopt=install_weak_deps=0", "install", name),
    )
    for keys in work.glob("dnf-cache/*/pubring"):
        run("gpgconf", "--homedir", keys, "--kill", "gpg-agent")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Complete!" in done.stdout


def install_by_zypper(url: str, work: Path, name: str) -> None:
    repo = repo_file(url, work / "zypper")
    base = ("zypper", "--root", work / "zypper-root", "--gpg-auto-import-keys", "-n")
    for words in (("addrepo", repo), ("refresh",), ("install", "--no-recommends", name)):
        done = run(*base, *words)
        assert done.returncode == 0, done.stdout + done.stderr


def install_by_apt(url: str, work: Path, name: str) -> None:
    """Into a root of its own: dpkg's files only, as the package needs nothing else."""
    state, root = work / "apt", work / "apt-root"
    for part in ("lists/partial", "cache/archives/partial", "etc"):
        (state / part).mkdir(parents=True)
    for part in ("info", "updates", "triggers"):
        (root / "var/lib/dpkg" / part).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    key = state / "etc/house.asc"
    key.write_text(read(f"{url}/Release.key"))
    (state / "etc/sources.list").write_text(f"deb [signed-by={key}] {url}/ ./\n")
    options = [
        *("-o", f"Dir::State::lists={state}/lists", "-o", f"Dir::Cache={state}/cache"),
        *("-o", f"Dir::Etc::sourcelist={state}/etc/sources.list", "-o", "Dir::Etc::sourceparts=-"),
        *("-o", f"Dir::State::status={root}/var/lib/dpkg/status", "-o", "APT::Sandbox::User=root"),
        *("-o", f"DPkg::Options::=--root={root}", "-o", "DPkg::Options::=--log=/dev/null"),
        *("-o", "DPkg::Post-Invoke=", "-o", "Dir::Log::Terminal=", "-o", f"Dir::Log={state}"),
    ]
    updated = run("apt-get", *options, "update")
    assert updated.returncode == 0, updated.stdout + updated.stderr
    assert "W:" not in updated.stderr
    done = run("apt-get", *options, "-y", "install", name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Package: {name}" in (root / "var/lib/dpkg/status").read_text()


def test_dnf_zypper_and_apt_install_from_the_house(anna, tools, tmp_path):
    need.program("dnf", "zypper", "apt-get")
    commit(anna, tools, "pair-a", "pair-a")
    commit(anna, tools, "hello-deb", "hello-deb")
    states = wait_built(anna, tools, "pair-a", "hello-deb")
    assert set(states.values()) == {"succeeded"}
    url = wait_published(anna, tools)
    install_by_dnf(f"{url}/{tools}.repo", tmp_path, "pair-a")
    install_by_zypper(f"{url}/{tools}.repo", tmp_path, "pair-a")
    install_by_apt(url, tmp_path, "hello-deb-doc")


def test_a_package_waits_for_what_it_needs_and_then_builds(anna, tools):
    commit(anna, tools, "pair-b", "pair-b")
    status = eventually(
        lambda: (
            "unresolvable" in anna.results(tools).values()
            and anna.osc("results", "--verbose", tools, "pair-b")
        )
    )
    assert "nothing provides pkgconfig(pair-a)" in status
    commit(anna, tools, "pair-a", "pair-a")
    eventually(lambda: anna.results(tools) == {"pair-a": "succeeded", "pair-b": "succeeded"}, 240)


def test_a_failed_build_keeps_its_log(anna, tools):
    commit(anna, tools, "fail-build", "fail-build")
    assert wait_built(anna, tools, "fail-build")["fail-build"] == "failed"
    repository, _, arch = anna.copr("list-chroots").split()[0].rpartition("-")
    log = anna.osc("remotebuildlog", tools, "fail-build", repository, arch)
    assert "undeclared_name" in log
    assert "Bad exit status" in log
