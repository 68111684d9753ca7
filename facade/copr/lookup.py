"""Projects, packages and builds as Copr calls name them, with its texts for what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.errors import (
    InvalidInput,
    InvalidName,
    Locked,
    NotAllowed,
    UnknownBuild,
    UnknownPackage,
    UnknownProject,
)
from storage.model import Build, Package, Project
from storage.names import PackageName, ProjectName

from ..access import Action, Target, allowed, is_visible, locate
from ..identity import Identity
from .call import Call
from .errors import Forbidden
from .forms import as_integers
from .names import FullName, full_name
from .settings import PackageSettings, ProjectSettings

if TYPE_CHECKING:
    from storage.records import Unit


@dataclass(frozen=True, slots=True)
class Named:
    """A project that was found under its Copr name."""

    name: FullName
    project: Project
    target: Target

    @property
    def settings(self) -> ProjectSettings:
        """Its Copr settings."""
        return ProjectSettings.read(self.project)


def find_project(unit: Unit, identity: Identity, name: FullName) -> Named:
    """The project of that name, if the caller may know of it.

    Raises:
        UnknownProject: There is none.
    """
    for candidate in name.candidates():
        target = locate(unit, identity, candidate)
        if target.project is not None and is_visible(identity, target):
            return Named(name, target.project, target)
    if name.is_group and unit.groups.find(name.owner_login) is None:
        raise UnknownProject(f"Group {name.owner_login} does not exist.")
    raise UnknownProject(f"Project {name} does not exist.")


def project_of(call: Call, unit: Unit) -> Named:
    """The project that path or query name."""
    name = FullName(call.argument("ownername"), call.argument("projectname"))
    return find_project(unit, call.identity, name)


def project_in_form(call: Call, unit: Unit) -> Named:
    """The project that the body names."""
    name = FullName(call.field("ownername"), call.field("projectname"))
    return find_project(unit, call.identity, name)


def find_package(unit: Unit, named: Named, name: str, text: str = "") -> Package:
    """A package of a project; ``text`` replaces what is said when there is none.

    Raises:
        UnknownPackage: There is none.
    """
    try:
        found = unit.packages.find(named.project.name, PackageName.parse(name))
    except InvalidName:
        found = None
    if found is None or found.name == "_project":
        raise UnknownPackage(text or f"No package with name {name} in copr {named.name.name}")
    return found


def package_settings(call: Call, package: Package) -> PackageSettings:
    """A package's Copr settings."""
    return PackageSettings.read(package, call.urls.clone(package.project, package.name))


@dataclass(frozen=True, slots=True)
class NamedBuild:
    """A build that was found.

    Attributes:
        named: The project or side directory it was made in.
        main: The project whose people decide about it.
    """

    build: Build
    named: Named
    main: Named


def find_build(unit: Unit, identity: Identity, text: str) -> NamedBuild:
    """The build of that number, if its project can be said in Copr and the caller may see it.

    Raises:
        UnknownBuild: There is none.
    """
    missing = UnknownBuild(f"Build {text[:40]} does not exist.")
    try:
        build = unit.builds.get(as_integers([text])[0])
        project = unit.projects.by_id(build.project_id)
    except (InvalidInput, UnknownBuild, UnknownProject):
        raise missing from None
    name = full_name(project.name)
    target = locate(unit, identity, ProjectName(project.name))
    if name is None or project.deleted_at is not None or not is_visible(identity, target):
        raise missing
    named = Named(name, project, target)
    if not name.directory:
        return NamedBuild(build, named, named)
    try:
        return NamedBuild(build, named, find_project(unit, identity, name.main))
    except UnknownProject:
        raise missing from None


def build_of(call: Call, unit: Unit) -> NamedBuild:
    """The build that path or query name."""
    return find_build(unit, call.identity, call.argument("build_id"))


def require(call: Call, action: Action, target: Target, text: str) -> None:
    """Let the caller do it, or say Copr's words.

    Raises:
        Forbidden: The caller may not.
    """
    call.identity.required()
    try:
        allowed(call.identity, action, target)
    except Locked:
        raise
    except NotAllowed:
        raise Forbidden(text) from None


def may_build(identity: Identity, named: Named) -> bool:
    """Whether the caller may build in a project: its maintainers and approved builders."""
    try:
        allowed(identity, Action.BUILD, named.target)
    except NotAllowed:
        return _is_approved(identity, named)
    return True


def _is_approved(identity: Identity, named: Named) -> bool:
    token = identity.token
    if token is not None:
        if token.scopes and not {"build", "write", "admin"} & set(token.scopes):
            return False
        if token.project is not None and token.project != named.project.name:
            return False
    return bool(identity.login) and named.settings.is_builder(identity.login)
