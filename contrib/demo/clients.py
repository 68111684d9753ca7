"""Puts one sample package through each door with the real clients."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from contrib.demo.daemon import Daemon

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
USER = "demo"
COPR_PROJECT = "demo"
PROJECT = f"home:{USER}:{COPR_PROJECT}"


class Clients:
    """osc, git and copr-cli of one account, configured in one directory."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.home = daemon.root / "clients"
        self.home.mkdir(exist_ok=True, mode=0o700)
        self.bin = Path(sys.executable).parent
        self.password = self._account()
        self.oscrc = self._oscrc()
        self.copr_config = self._copr_config()

    def osc(self, *words: str, cwd: Path | None = None, stdin: str | None = None) -> str:
        return self._run([self.bin / "osc", "--config", self.oscrc, *words], cwd, stdin)

    def copr(self, *words: str) -> str:
        return self._run([self.bin / "copr-cli", "--config", self.copr_config, *words])

    def git(self, *words: str, cwd: Path) -> str:
        return self._run(
            ["git", "-c", "user.name=Demo", "-c", "user.email=demo@localhost", *words], cwd
        )

    def git_url(self, package: str) -> str:
        """Clone URL with credentials; only for this machine's demo."""
        host = self.daemon.listen
        return f"http://{USER}:{self.password}@{host}/git/{PROJECT}/{package}.git"

    def chroot(self) -> str:
        """Name of the first configured chroot."""
        return self.copr("list-chroots").split()[0]

    def _account(self) -> str:
        path = self.home / "password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(os.urandom(12).hex() + "\n")
        names = [line.split("\t")[0] for line in self._admin("user", "list").splitlines()]
        if USER not in names:
            self._admin("user", "add", USER, "--password-file", str(path))
        return path.read_text().strip()

    def _admin(self, *words: str) -> str:
        return self.daemon.packhouse("admin", *words)

    def _oscrc(self) -> Path:
        path = self.home / "oscrc"
        path.touch(mode=0o600)
        path.write_text(
            f"[general]\napiurl = {self.daemon.url}\n\n"
            f"[{self.daemon.url}]\nuser = {USER}\npass = {self.password}\n"
            "credentials_mgr_class = osc.credentials.PlaintextConfigFileCredentialsManager\n"
            f"allow_http = 1\ntrusted_prj = {PROJECT}\n"
        )
        return path

    def _copr_config(self) -> Path:
        path = self.home / "copr"
        if not path.exists() or self.daemon.url not in path.read_text():
            path.touch(mode=0o600)
            path.write_text(self._admin("token", USER, "--copr"))
        return path

    def _run(self, argv: list, cwd: Path | None = None, stdin: str | None = None) -> str:
        done = subprocess.run(
            argv,
            cwd=cwd,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            text=True,
            capture_output=True,
            env=os.environ | {"HOME": str(self.home), "GIT_TERMINAL_PROMPT": "0"},
        )
        if done.returncode:
            words = " ".join(Path(str(word)).name for word in argv[:6])
            sys.exit(f"packhouse: '{words} ...' failed:\n{done.stdout}{done.stderr}")
        return done.stdout


def put_all(clients: Clients) -> None:
    """The demo project with its three packages; what exists already is left as it is."""
    chroot = clients.chroot()
    projects = clients.osc("ls").split()
    if PROJECT not in projects:
        clients.copr("create", COPR_PROJECT, "--chroot", chroot, "--description", "Demo")
    there = clients.osc("ls", PROJECT).split()
    with tempfile.TemporaryDirectory() as work:
        if "hello-c" not in there:
            through_osc(clients, Path(work))
        if "hello-deb" not in there:
            through_git(clients, Path(work))
        if "hello-py" not in there:
            through_copr(clients, Path(work))


def through_osc(clients: Clients, work: Path) -> None:
    """A C program by osc: checkout, mkpac, add, commit."""
    clients.osc("checkout", PROJECT, cwd=work)
    clients.osc("mkpac", "hello-c", cwd=work / PROJECT)
    package = work / PROJECT / "hello-c"
    shutil.copytree(EXAMPLES / "hello-c", package, dirs_exist_ok=True)
    names = [path.name for path in sorted((EXAMPLES / "hello-c").iterdir())]
    clients.osc("add", *names, cwd=package)
    clients.osc("commit", "-m", "Add hello-c by osc", cwd=package)


def through_git(clients: Clients, work: Path) -> None:
    """A Debian source package by git push."""
    meta = f'<package name="hello-deb" project="{PROJECT}"><title/><description/></package>'
    clients.osc("meta", "pkg", PROJECT, "hello-deb", "-F", "-", stdin=meta)
    tree = work / "hello-deb"
    shutil.copytree(EXAMPLES / "hello-deb", tree)
    clients.git("init", "-q", "-b", "main", cwd=tree)
    clients.git("add", ".", cwd=tree)
    clients.git("commit", "-q", "-m", "Add hello-deb by git", cwd=tree)
    clients.git("push", "-q", clients.git_url("hello-deb"), "main", cwd=tree)


def through_copr(clients: Clients, work: Path) -> None:
    """A noarch Python package as a source RPM by copr-cli."""
    subprocess.run(
        [
            *("rpmbuild", "-bs", "--nodeps", "--define", f"_topdir {work}/rpm"),
            *("--define", f"_sourcedir {EXAMPLES}/hello-py"),
            str(EXAMPLES / "hello-py/hello-py.spec"),
        ],
        check=True,
        capture_output=True,
    )
    (source,) = (work / "rpm/SRPMS").iterdir()
    clients.copr("build", "--nowait", COPR_PROJECT, str(source))
