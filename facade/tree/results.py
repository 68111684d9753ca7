"""``/results/<owner>/<project>/...``: Copr's layout (Copr contract, section 4).

<chroot>/                        the published repository, and
<chroot>/<build>-<package>/      the files of one build there
srpm-builds/<build>/             the files of its source part
pubkey.gpg
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, request

from builder.srpm.places import source_dir
from storage.errors import NotAllowed, NotFound, UnknownBuild, UnknownPackage, UnknownProject
from storage.model import Build, Job, Project
from storage.names import PackageName, ProjectName, RepositoryName

from ..access import Action, allowed, locate
from ..copr.chroots import chroots_of, split_chroot
from ..copr.lookup import find_project
from ..copr.names import FullName
from ..identity import Identity, authenticate
from . import buildfiles
from .paths import components
from .serving import Line, directory_page, list_directory, send_path, send_text
from .trees import Trees

if TYPE_CHECKING:
    from storage.records import Unit

    from ..wiring import House

ROOT = "/results"
_BUILD = re.compile(r"([0-9]{8,18})-(.+)")
_SOURCE = re.compile(r"[0-9]{8,18}")
_LISTED = 1000
"""Newest builds that a directory lists."""


def copr_results(house: House) -> Blueprint:
    """The door to build results as Copr's clients look for them."""
    door = Blueprint("results", __name__)

    def show(owner: str, project: str, path: str = "") -> Response:
        identity = authenticate(request)
        g.login = identity.login
        if not house.settings.anonymous_read:
            identity.required()
        visit = Visit(house, identity, FullName.parse(owner, project))
        return visit.answer(components(path))

    for number, rule in enumerate(("", "/", "/<path:path>", "//<path:path>")):
        door.add_url_rule(
            f"{ROOT}/<owner>/<project>{rule}", f"path-{number}", show, methods=["GET"]
        )
    return door


class Visit:
    """One caller looking at one project."""

    def __init__(self, house: House, identity: Identity, name: FullName) -> None:
        """Find the project.

        Raises:
            NotFound: There is none, or it is hidden.
        """
        self._house = house
        self._identity = identity
        self._name = name
        with house.records.read() as unit:
            try:
                self._project: Project = find_project(unit, identity, name).project
            except UnknownProject:
                raise _missing() from None

    def answer(self, parts: Sequence[str]) -> Response:
        """A file or the page of a directory below the project."""
        if not parts:
            return self._top()
        if tuple(parts) == ("pubkey.gpg",):
            return self._public_key()
        if parts[0] == "srpm-builds":
            return self._sources(parts[1:])
        if parts[0] not in chroots_of(self._project.meta):
            raise _missing()
        return self._chroot(parts[0], tuple(parts[1:]))

    def _top(self) -> Response:
        lines = [Line(name, True) for name in (*chroots_of(self._project.meta), "srpm-builds")]
        if self._house.keyring.nearest(self._project.name) is not None:
            lines.append(Line("pubkey.gpg"))
        return directory_page(request, str(self._name), lines)

    def _public_key(self) -> Response:
        key = self._house.keyring.nearest(self._project.name)
        if key is None:
            raise _missing()
        return send_text(key.armored, "application/pgp-keys")

    def _chroot(self, chroot: str, rest: tuple[str, ...]) -> Response:
        repository, arch = split_chroot(chroot)
        if rest and (found := _BUILD.fullmatch(rest[0])):
            return self._build(int(found.group(1)), found.group(2), repository, arch, rest[1:])
        trees = Trees(self._house, self._identity)
        project = trees.project(ProjectName(self._project.name), repository)
        name = RepositoryName(repository)
        if rest:
            found_file = trees.find(project, name, rest)
            if not found_file.is_directory:
                return send_path(request, found_file.path, fixed=found_file.is_fixed)
            return directory_page(request, "/".join(rest), list_directory(found_file.path))
        lines = self._build_lines(repository, arch)
        try:
            lines += list_directory(trees.find(project, name, ()).path)
        except NotFound:
            # Nothing is published yet; results of builds may be there all the same.
            pass
        return directory_page(request, f"{self._name}/{chroot}", lines)

    def _build_lines(self, repository: str, arch: str) -> list[Line]:
        """The newest builds of a chroot, newest first."""
        with self._house.records.read() as unit:
            builds = unit.builds.list_for(self._project.id, limit=_LISTED)
            jobs = unit.jobs.of_builds([build.id for build in builds])
        return [
            Line(f"{build.id:08d}-{build.package}", True, None, build.created_at)
            for build in builds
            if any(_is_at(job, repository, arch) for job in jobs.get(build.id, ()))
        ]

    def _build(
        self, build_id: int, package: str, repository: str, arch: str, rest: Sequence[str]
    ) -> Response:
        with self._house.records.read() as unit:
            build = self._own_build(unit, build_id)
            if build.package != package:
                raise _missing()
            self._check(unit, Action.DOWNLOAD_BINARY, build, repository, arch)
            jobs = [job for job in unit.jobs.of_build(build.id) if _is_at(job, repository, arch)]
            if not jobs:
                raise _missing()
            binaries = unit.binaries.of_job(jobs[0].id)
        files = buildfiles.of_job(self._house, build, jobs[0], binaries, self._may_see(build))
        return _one_of(files, f"{build.id:08d}-{package}", rest)

    def _sources(self, rest: Sequence[str]) -> Response:
        if not rest:
            with self._house.records.read() as unit:
                builds = unit.builds.list_for(self._project.id, limit=_LISTED)
            lines = [
                Line(f"{build.id:08d}", True, None, build.created_at)
                for build in builds
                if build.source_type
            ]
            return directory_page(request, f"{self._name}/srpm-builds", lines)
        if not _SOURCE.fullmatch(rest[0]):
            raise _missing()
        with self._house.records.read() as unit:
            build = self._own_build(unit, int(rest[0]))
            self._check(unit, Action.READ_SOURCE, build)
        directory = source_dir(self._house.settings.data_dir, build.id)
        if len(rest) == 1:
            return directory_page(request, rest[0], list_directory(directory))
        if len(rest) > 2:
            raise _missing()
        return send_path(request, directory / rest[1])

    def _may_see(self, build: Build) -> bool:
        """Whether the caller may read the sources of a build's package."""
        with self._house.records.read() as unit:
            try:
                self._check(unit, Action.READ_SOURCE, build)
            except (NotAllowed, NotFound):
                return False
        return True

    def _own_build(self, unit: Unit, build_id: int) -> Build:
        try:
            build = unit.builds.get(build_id)
        except UnknownBuild:
            raise _missing() from None
        if build.project_id != self._project.id:
            raise _missing()
        return build

    def _check(
        self, unit: Unit, action: Action, build: Build, repository: str = "", arch: str = ""
    ) -> None:
        """Ask for the package of a build; for the project where there is none (yet)."""
        name = ProjectName(self._project.name)
        package = PackageName(build.package) if build.package else None

        def check(package: PackageName | None) -> None:
            target = locate(
                unit,
                self._identity,
                name,
                package,
                repository=repository or None,
                arch=arch or None,
            )
            allowed(self._identity, action, target)

        try:
            check(package)
        except UnknownPackage:
            # Deleted, or never imported: the project's own rules are what is left.
            check(None)


def _one_of(files: Sequence[buildfiles.ResultFile], title: str, rest: Sequence[str]) -> Response:
    if not rest:
        return directory_page(request, title, [file.line() for file in files])
    for file in files:
        if [file.name] == list(rest):
            return file.send(request)
    raise _missing()


def _is_at(job: Job, repository: str, arch: str) -> bool:
    return job.repository == repository and job.arch == arch


def _missing() -> NotFound:
    return NotFound("no such file or directory")
