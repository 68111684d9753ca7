"""A working copy of the git repository a build names.

External repositories are fetched by the git program through the guarding
gateway; repositories of this house are cloned from disk after it is clear that
the submitter may read them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from storage.errors import InvalidName, NotFound
from storage.flags import package_flag, project_flag
from storage.house import PackageStore
from storage.model import Build
from storage.names import PackageName, ProjectName, RevisionSpec

from ..chroots.cache import remove_tree
from ..house import BuilderHouse
from .fetch import checked_url
from .gateway import Gateway
from .programs import Workshop
from .task import SourceFailed, Task

_DEPTH = 500
_WANTED = "refs/packhouse-wanted"
_READERS = frozenset({"maintainer", "bugowner", "downloader", "reader"})
_HARDENED = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.protectNTFS=true",
    "protocol.allow=never",
    "http.followRedirects=initial",
    "http.lowSpeedLimit=100",
    "http.lowSpeedTime=120",
    "gc.auto=0",
    "advice.detachedHead=false",
    "init.defaultBranch=main",
    "safe.directory=*",
)


@dataclass(frozen=True, slots=True)
class Checkout:
    """A working copy at the wanted commit.

    Attributes:
        directory: Its top.
        name: Of the repository, as its URL ends.
        url: Where it came from.
    """

    workshop: Workshop
    directory: Path
    name: str
    url: str

    def git(self, *arguments: str) -> str:
        """What a reading git command prints in the working copy."""
        return self.workshop.output(
            [*_git_line(()), "-C", str(self.directory), *arguments], cwd=self.directory
        )

    def inside(self, text: str) -> Path:
        """A path of the working copy that no link leads out of.

        Raises:
            SourceFailed: It does not exist or lies outside.
        """
        path = Path(os.path.realpath(self.directory / text.lstrip("/")))
        top = Path(os.path.realpath(self.directory))
        if not path.is_relative_to(top) or ".git" in path.relative_to(top).parts:
            raise SourceFailed(f"'{text[:200]}' lies outside of the repository")
        if not path.exists():
            raise SourceFailed(f"'{text[:200]}' does not exist in the repository")
        return path


def check_out(task: Task) -> Checkout:
    """Clone what the task's source description names and check its commit out.

    Raises:
        SourceFailed: It cannot be had.
    """
    if shutil.which("git") is None:
        raise SourceFailed("Please, install git")
    if task.argument("type") == "svn":
        raise SourceFailed("svn repositories cannot be fetched here; please use git")
    url = task.argument("clone_url")
    directory = task.work / "clone" / _name_of(url)
    directory.parent.mkdir()
    limit = 2 * task.house.storage.limits.file_bytes
    workshop = Workshop(task, directory.parent, limit)
    own = own_package(task.house, url)
    if own is not None:
        _clone_own(task, workshop, own, directory)
    else:
        _clone_external(task, workshop, url, directory, limit)
    return Checkout(workshop, directory, directory.name, url)


def own_package(house: BuilderHouse, url: str) -> tuple[str, str] | None:
    """(project, package) of a URL of this house's git door, None for other URLs."""
    prefix = f"{house.settings.public_url}/git/"
    if not house.settings.public_url or not url.startswith(prefix):
        return None
    path = unquote(url[len(prefix) :].partition("?")[0].partition("#")[0])
    project, slash, package = path.strip("/").partition("/")
    if not slash:
        return None
    return project, package.removesuffix(".git")


def may_read(house: BuilderHouse, build: Build, project: str, package: str) -> bool:
    """Whether the submitter of a build may read a package's sources."""
    with house.records.read() as unit:
        row = unit.packages.find(project, package)
        owner = unit.projects.find(project)
        if row is None or owner is None:
            return False
        hidden = not project_flag(owner.meta, "access")
        if not hidden and package_flag(owner.meta, row.meta, "sourceaccess"):
            return True
        account = unit.accounts.find(build.submitter) if build.submitter else None
        if account is None:
            return False
        roles = unit.roles.roles_of(account.login, project, package)
        return account.is_admin or bool(_READERS & roles)


def _clone_external(
    task: Task, workshop: Workshop, url: str, directory: Path, limit_bytes: int
) -> None:
    checked_url(url)
    with Gateway(task.addresses, limit_bytes) as gateway:
        env = {**gateway.environment(), "GIT_ALLOW_PROTOCOL": "http:https"}
        line = _git_line(("protocol.http.allow=always", "protocol.https.allow=always"))
        try:
            _clone(workshop, line, url, directory, env)
            _check_out(task, workshop, line, directory, env)
            if (directory / ".gitmodules").is_file():
                update = ["submodule", "update", "--init", "--recursive", "--quiet"]
                workshop.run([*line, "-C", str(directory), *update], env=env)
        finally:
            for reason in gateway.refusals:
                task.log.say(f"refused: {reason}")


def _clone_own(task: Task, workshop: Workshop, own: tuple[str, str], directory: Path) -> None:
    store = _store(task, own)
    line = _git_line(("protocol.file.allow=always",))
    env = {"GIT_ALLOW_PROTOCOL": "file"}
    _clone(workshop, line, f"file://{store.repository.path}", directory, env)
    _check_out(task, workshop, line, directory, env)
    commit = workshop.output([*line, "-C", str(directory), "rev-parse", "HEAD"])
    _fill_large_files(store, commit, directory)


def _store(task: Task, own: tuple[str, str]) -> PackageStore:
    missing = SourceFailed(f"there is no package {own[0]}/{own[1]}")
    try:
        project, package = ProjectName.parse(own[0]), PackageName.parse(own[1])
        if not may_read(task.house, task.build, project, package):
            raise missing
        return task.house.storage.package(project, package)
    except (InvalidName, NotFound):
        raise missing from None


def _fill_large_files(store: PackageStore, commit: str, directory: Path) -> None:
    """Put the content of large files in the place of their pointers."""
    try:
        _, listing = store.listing(RevisionSpec("commit", checksum=commit))
    except NotFound:
        return
    for entry in listing.entries:
        if entry.sha256 is None:
            continue
        path = directory / entry.name
        path.unlink(missing_ok=True)
        with path.open("xb") as stream:
            for chunk in store.open(entry).chunks():
                stream.write(chunk)


def _clone(
    workshop: Workshop, line: Sequence[str], url: str, directory: Path, env: Mapping[str, str]
) -> None:
    options = ["clone", "--no-checkout", "--no-single-branch", "--no-recurse-submodules"]
    place = ["--", url, str(directory)]
    try:
        workshop.run([*line, *options, "--depth", str(_DEPTH), *place], env=env)
    except SourceFailed:
        # Servers of the simplest kind know no shallow clones.
        remove_tree(directory)
        workshop.run([*line, *options, *place], env=env)


def _check_out(
    task: Task, workshop: Workshop, line: Sequence[str], directory: Path, env: Mapping[str, str]
) -> None:
    there = [*line, "-C", str(directory)]
    wanted = task.argument("committish")
    if wanted.startswith(("-", "refs/packhouse/", "refs/meta/")):
        raise SourceFailed(f"'{wanted[:100]}' is not a commit, branch or tag")
    if wanted.startswith("refs/"):
        fetch = ["fetch", "--depth", str(_DEPTH), "origin", f"{wanted}:{_WANTED}"]
        workshop.run([*there, *fetch], env=env)
        wanted = _WANTED
    checkout = [*there, "checkout", "--quiet", *([wanted, "--"] if wanted else [])]
    try:
        workshop.run(checkout, env=env)
    except SourceFailed:
        if not (directory / ".git" / "shallow").exists():
            raise
        workshop.run([*there, "fetch", "--unshallow", "--tags", "--quiet", "origin"], env=env)
        workshop.run(checkout, env=env)


def _git_line(settings: Sequence[str]) -> list[str]:
    chosen = [part for value in (*_HARDENED, *settings) for part in ("-c", value)]
    return ["git", *chosen]


def _name_of(url: str) -> str:
    last = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2].removesuffix(".git")
    plain = "".join(c if c.isalnum() or c in "-_.+" else "_" for c in last).lstrip(".-")
    return plain[:100] or "repository"
