"""Who may do what: one function for every door (OBS API contract, section 1.7).

A door asks ``locate`` for the named object with the caller's roles on it, then
``allowed``. A project whose ``access`` flag is off is answered exactly as if it
did not exist, whatever is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from storage.errors import (
    Locked,
    NotAllowed,
    SourceAccessDenied,
    UnknownPackage,
    UnknownProject,
)
from storage.flags import package_flag, project_flag
from storage.model import Package, Project
from storage.names import PROJECT_CONTAINER, PackageName, ProjectName

from .identity import Identity

if TYPE_CHECKING:
    from storage.records import Unit

READERS = frozenset({"maintainer", "bugowner", "downloader", "reader"})
"""Roles that open hidden projects, closed sources and closed results."""

_SCOPES_FOR = {
    "read": frozenset({"read", "build", "write", "admin"}),
    "build": frozenset({"build", "write", "admin"}),
    "write": frozenset({"write", "admin"}),
    "admin": frozenset({"admin"}),
}


class Need(StrEnum):
    """What a rule asks of the caller."""

    SIGHT = "sight"  # the object is visible
    SOURCE = "source"  # its sources are open
    BINARY = "binary"  # its results may be fetched
    MODIFY = "modify"  # maintainer of the object, its project or a project above
    FOUND = "found"  # may make a project of this name
    ABOVE = "above"  # maintainer of a project above
    ADMIN = "admin"


class Action(StrEnum):
    """Everything a door can ask permission for."""

    VIEW = "view"
    READ_SOURCE = "read_source"
    DOWNLOAD_BINARY = "download_binary"
    CREATE_PROJECT = "create_project"
    WRITE_PROJECT = "write_project"
    WRITE_CONFIG = "write_config"
    DELETE_PROJECT = "delete_project"
    UNDELETE_PROJECT = "undelete_project"
    COMMAND_PROJECT = "command_project"
    UNLOCK_PROJECT = "unlock_project"
    DELETE_KEY = "delete_key"
    CREATE_PACKAGE = "create_package"
    WRITE_PACKAGE = "write_package"
    WRITE_FILE = "write_file"
    DELETE_FILE = "delete_file"
    COMMAND_PACKAGE = "command_package"
    UNLOCK_PACKAGE = "unlock_package"
    UNDELETE_PACKAGE = "undelete_package"
    DELETE_PACKAGE = "delete_package"
    BUILD = "build"
    LIST_DELETED = "list_deleted"
    ADMINISTER = "administer"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table.

    Attributes:
        scope: The token scope it takes.
        code: Code word of a refusal.
        lockable: Whether a lock flag forbids it to everybody.
        on_project: Whether the project itself is the object, even when a package is named.
    """

    need: Need
    scope: str
    code: str
    lockable: bool = True
    on_project: bool = False


RULES: dict[Action, Rule] = {
    Action.VIEW: Rule(Need.SIGHT, "read", "", False),
    Action.READ_SOURCE: Rule(Need.SOURCE, "read", "source_access_no_permission", False),
    Action.DOWNLOAD_BINARY: Rule(Need.BINARY, "read", "download_binary_no_permission", False),
    Action.CREATE_PROJECT: Rule(Need.FOUND, "write", "create_project_no_permission", False),
    Action.WRITE_PROJECT: Rule(Need.MODIFY, "write", "change_project_no_permission"),
    Action.WRITE_CONFIG: Rule(Need.MODIFY, "write", "put_project_config_no_permission"),
    Action.DELETE_PROJECT: Rule(Need.MODIFY, "write", "delete_project_no_permission"),
    Action.UNDELETE_PROJECT: Rule(Need.FOUND, "write", "cmd_execution_no_permission", False),
    Action.COMMAND_PROJECT: Rule(Need.MODIFY, "write", "cmd_execution_no_permission"),
    Action.UNLOCK_PROJECT: Rule(Need.MODIFY, "write", "cmd_execution_no_permission", False),
    Action.DELETE_KEY: Rule(Need.ABOVE, "write", "delete_project_pubkey_no_permission"),
    Action.CREATE_PACKAGE: Rule(
        Need.MODIFY, "write", "update_project_not_authorized", on_project=True
    ),
    Action.WRITE_PACKAGE: Rule(Need.MODIFY, "write", "update_package_not_authorized"),
    Action.WRITE_FILE: Rule(Need.MODIFY, "write", "put_file_no_permission"),
    Action.DELETE_FILE: Rule(Need.MODIFY, "write", "delete_file_no_permission"),
    Action.COMMAND_PACKAGE: Rule(Need.MODIFY, "write", "cmd_execution_no_permission"),
    Action.UNLOCK_PACKAGE: Rule(Need.MODIFY, "write", "cmd_execution_no_permission", False),
    Action.UNDELETE_PACKAGE: Rule(
        Need.MODIFY, "write", "cmd_execution_no_permission", on_project=True
    ),
    Action.DELETE_PACKAGE: Rule(Need.MODIFY, "write", "delete_package_no_permission"),
    Action.BUILD: Rule(Need.MODIFY, "build", "execute_cmd_no_permission"),
    Action.LIST_DELETED: Rule(Need.ADMIN, "admin", "no_permission_for_deleted", False),
    Action.ADMINISTER: Rule(Need.ADMIN, "admin", "no_permission", False),
}


def _no_roles() -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """The object of an action, as far as it exists.

    Attributes:
        project_name: Name asked for.
        package_name: Name asked for, None when the project is the object.
        project: None when there is no such project.
        package: None when there is no such package.
        roles: Gives the caller's roles on the object, its project and the projects
            above; called only when an answer depends on it.
        project_roles: The same without the roles on the package itself.
        roles_above: The same without the roles on the project itself.
        repository: For ``BINARY``: where the results are.
        arch: Likewise.
    """

    project_name: ProjectName | None = None
    package_name: PackageName | None = None
    project: Project | None = None
    package: Package | None = None
    roles: Callable[[], frozenset[str]] = field(default=_no_roles)
    project_roles: Callable[[], frozenset[str]] = field(default=_no_roles)
    roles_above: Callable[[], frozenset[str]] = field(default=_no_roles)
    repository: str | None = None
    arch: str | None = None

    def existing_project(self) -> Project:
        """The project.

        Raises:
            UnknownProject: There is none.
        """
        if self.project is None:
            raise _unknown_project(self)
        return self.project

    def existing_package(self) -> Package:
        """The package.

        Raises:
            UnknownProject: There is no such project.
            UnknownPackage: There is no such package.
        """
        self.existing_project()
        if self.package is None:
            raise UnknownPackage(
                f"package '{self.package_name}' does not exist in project '{self.project_name}'",
                project=str(self.project_name),
                package=str(self.package_name),
            )
        return self.package


HOUSE = Target()
"""The instance itself, object of ``ADMINISTER`` and ``LIST_DELETED``."""


def locate(
    unit: Unit,
    identity: Identity,
    project: ProjectName,
    package: PackageName | None = None,
    *,
    repository: str | None = None,
    arch: str | None = None,
) -> Target:
    """Look a project or package up, whether it exists or not.

    The roles are only asked for while ``unit`` is open.
    """
    login = identity.login

    def roles(of: str | None, name: str | None) -> Callable[[], frozenset[str]]:
        if not login or of is None:
            return _no_roles
        return lambda: frozenset(unit.roles.roles_of(login, of, name))

    above = next(iter(project.parents()), None)

    found = unit.projects.find(project)
    container = None
    if package == PROJECT_CONTAINER:
        package = None
    elif package is not None and found is not None:
        container = unit.packages.find(project, package)
    return Target(
        project,
        package,
        found,
        container,
        roles(project, package),
        roles(project, None),
        roles(above, None),
        repository,
        arch,
    )


def allowed(identity: Identity, action: Action, target: Target = HOUSE) -> None:
    """Return if the caller may do it, raise what the caller shall see otherwise.

    Raises:
        UnknownProject: The project does not exist or is hidden from the caller.
        UnknownPackage: The package an action needs does not exist.
        NotAuthenticated: An anonymous caller asks for more than open reading.
        SourceAccessDenied: The sources are closed.
        Locked: The lock flag is set.
        NotAllowed: Everything else; ``code`` is the contract's word.
    """
    rule = RULES[action]
    if rule.need is Need.ADMIN:
        _admin(identity, rule)
        return
    _check_token(identity, rule, target)
    if rule.need is Need.FOUND:
        # Decided by the name alone: who may not create it learns nothing about it.
        _found(identity, rule, target)
        return
    if not is_visible(identity, target):
        raise _unknown_project(target)
    project = target.existing_project()
    if target.package_name is not None and not rule.on_project:
        target.existing_package()
    if rule.need is Need.SOURCE:
        _source(identity, target, project)
    elif rule.need is Need.BINARY:
        _binary(identity, rule, target, project)
    elif rule.need is not Need.SIGHT:
        identity.required()
        if not identity.is_admin and "maintainer" not in _roles(rule, target):
            raise NotAllowed(f"no permission to modify {_name(target)}", code=rule.code)
        if rule.lockable:
            _check_lock(rule, target, project)


def is_visible(identity: Identity, target: Target) -> bool:
    """Whether the caller may know that the project exists; True for what does not exist."""
    if target.project is None or project_flag(target.project.meta, "access"):
        return True
    return identity.is_admin or bool(READERS & target.roles())


def may_read_source(identity: Identity, target: Target) -> bool:
    """``allowed`` of ``READ_SOURCE`` as a question."""
    return _may(identity, Action.READ_SOURCE, target)


def may_fetch(identity: Identity, target: Target) -> bool:
    """``allowed`` of ``DOWNLOAD_BINARY`` as a question."""
    return _may(identity, Action.DOWNLOAD_BINARY, target)


def may_manage(identity: Identity, login: str) -> None:
    """Return if the caller may change this account, its password and its tokens.

    Raises:
        NotAuthenticated: Nobody is logged in.
        NotAllowed: Another account, or a token with less than full power.
    """
    account = identity.required()
    token = identity.token
    if token is not None and (token.project or (token.scopes and "admin" not in token.scopes)):
        raise NotAllowed("this token may not manage accounts", code="change_userinfo_no_permission")
    if account.login != login and not identity.is_admin:
        raise NotAllowed(
            f"no permission to change account '{login}'", code="change_userinfo_no_permission"
        )


def _may(identity: Identity, action: Action, target: Target) -> bool:
    try:
        allowed(identity, action, target)
    except (NotAllowed, UnknownProject, UnknownPackage):
        return False
    return True


def _check_token(identity: Identity, rule: Rule, target: Target) -> None:
    token = identity.token
    if token is None:
        return
    if token.scopes and not _SCOPES_FOR[rule.scope] & set(token.scopes):
        raise NotAllowed(
            f"this token may not {rule.scope}",
            code=rule.code,
            hint=f"make a token with the scope '{rule.scope}'",
        )
    if token.project is not None and token.project != target.project_name:
        raise NotAllowed(f"this token is for project '{token.project}' only", code=rule.code)


def _admin(identity: Identity, rule: Rule) -> None:
    identity.required()
    if not identity.is_admin:
        raise NotAllowed("only an administrator may do this", code=rule.code)


def _found(identity: Identity, rule: Rule, target: Target) -> None:
    identity.required()
    name = target.project_name
    if identity.is_admin or name is None:
        return
    if _is_own(identity, name) or "maintainer" in target.project_roles():
        return
    raise NotAllowed(
        f"no permission to create project '{name}'",
        code=rule.code,
        hint=f"projects below 'home:{identity.login}' are yours to create",
    )


def _is_own(identity: Identity, name: ProjectName) -> bool:
    """``home:<login>`` and ``group:<own group>``, and everything below."""
    owned = [f"home:{identity.login}", *(f"group:{group}" for group in identity.groups)]
    return any(name == top or name.startswith(top + ":") for top in owned)


def _source(identity: Identity, target: Target, project: Project) -> None:
    package = target.package.meta if target.package else None
    if package_flag(project.meta, package, "sourceaccess") or identity.is_admin:
        return
    if not READERS & target.roles():
        raise SourceAccessDenied(f"the sources of {_name(target)} are closed")


def _binary(identity: Identity, rule: Rule, target: Target, project: Project) -> None:
    package = target.package.meta if target.package else None
    open_to_all = package_flag(
        project.meta, package, "binarydownload", target.repository, target.arch
    )
    if open_to_all or identity.is_admin or READERS & target.roles():
        return
    raise NotAllowed(f"the binaries of {_name(target)} may not be fetched", code=rule.code)


def _check_lock(rule: Rule, target: Target, project: Project) -> None:
    package = target.package.meta if target.package and not rule.on_project else None
    if package_flag(project.meta, package, "lock"):
        raise Locked(
            f"{_name(target)} is locked", code=rule.code, hint="unlock it with a comment first"
        )


def _roles(rule: Rule, target: Target) -> frozenset[str]:
    if rule.need is Need.ABOVE:
        return target.roles_above()
    return target.project_roles() if rule.on_project else target.roles()


def _unknown_project(target: Target) -> UnknownProject:
    return UnknownProject(
        f"project '{target.project_name}' does not exist", project=str(target.project_name)
    )


def _name(target: Target) -> str:
    if target.package_name is not None:
        return f"package '{target.project_name}/{target.package_name}'"
    return f"project '{target.project_name}'"
