"""Who may do what: roles x actions x states of the object, without any door."""

import pytest

from facade.access import RULES, Action, Need, Target, allowed, may_read_source
from facade.identity import ANONYMOUS, Identity
from storage.errors import (
    Locked,
    NotAllowed,
    NotAuthenticated,
    PackhouseError,
    SourceAccessDenied,
    UnknownPackage,
    UnknownProject,
)
from storage.model import (
    Account,
    FlagRule,
    Package,
    PackageMeta,
    Project,
    ProjectMeta,
    Token,
)
from storage.names import PackageName, ProjectName

P, K = ProjectName("Base:Tools"), PackageName("hello")
USER = Identity(Account(2, "anna"))
ADMIN = Identity(Account(1, "Admin", is_admin=True))
ROLES = ("maintainer", "bugowner", "reviewer", "downloader", "reader", "")
OPENS_HIDDEN = {"maintainer", "bugowner", "downloader", "reader"}


def target(
    roles: str = "",
    *,
    above: str = "",
    flags: tuple[FlagRule, ...] = (),
    package_flags: tuple[FlagRule, ...] = (),
    package: bool = True,
    exists: bool = True,
) -> Target:
    """An object on which the caller holds ``roles`` (and ``above`` by a parent project)."""
    project = Project(1, P, "c", ProjectMeta(P, flags=flags))
    row = Package(1, 1, P, K, "d", PackageMeta(K, P, flags=package_flags))
    held = frozenset(filter(None, (roles, above)))
    return Target(
        P,
        K if package else None,
        project if exists else None,
        row if package and exists else None,
        lambda: held,
        lambda: held,
        lambda: frozenset(filter(None, (above,))),
    )


def verdict(identity: Identity, action: Action, on: Target) -> type[PackhouseError] | None:
    try:
        allowed(identity, action, on)
    except PackhouseError as error:
        return type(error)
    return None


READING = [Action.VIEW, Action.READ_SOURCE, Action.DOWNLOAD_BINARY]
MODIFYING = [a for a, rule in RULES.items() if rule.need is Need.MODIFY]
ADMINISTRATIVE = [a for a, rule in RULES.items() if rule.need is Need.ADMIN]


def test_every_action_has_a_rule_and_every_refusal_a_word() -> None:
    assert set(RULES) == set(Action)
    assert all(rule.code for action, rule in RULES.items() if action is not Action.VIEW)


@pytest.mark.parametrize("action", READING)
@pytest.mark.parametrize("identity", [ANONYMOUS, USER, ADMIN])
def test_everybody_reads_what_is_open(action: Action, identity: Identity) -> None:
    assert verdict(identity, action, target()) is None


@pytest.mark.parametrize("action", MODIFYING)
@pytest.mark.parametrize("role", ROLES)
def test_only_maintainers_modify(action: Action, role: str) -> None:
    expected = None if role == "maintainer" else NotAllowed
    assert verdict(USER, action, target(role)) is expected


@pytest.mark.parametrize("action", MODIFYING)
def test_nobody_modifies_without_a_login(action: Action) -> None:
    assert verdict(ANONYMOUS, action, target("maintainer")) is NotAuthenticated


@pytest.mark.parametrize("action", MODIFYING)
def test_an_administrator_modifies_everything(action: Action) -> None:
    assert verdict(ADMIN, action, target()) is None


@pytest.mark.parametrize("action", MODIFYING)
@pytest.mark.parametrize("identity", [USER, ADMIN], ids=["user", "admin"])
def test_a_lock_stops_everybody_but_unlocking(action: Action, identity: Identity) -> None:
    lock = (FlagRule("lock", True),)
    on_project = target("maintainer", flags=lock)
    unlocking = action in (Action.UNLOCK_PROJECT, Action.UNLOCK_PACKAGE)
    assert verdict(identity, action, on_project) is (None if unlocking else Locked)
    on_package = target("maintainer", package_flags=lock)
    about_project = RULES[action].on_project
    expected = None if unlocking or about_project else Locked
    assert verdict(identity, action, on_package) is expected


def test_a_package_may_be_open_in_a_locked_project() -> None:
    flags, own = (FlagRule("lock", True),), (FlagRule("lock", False),)
    on = target("maintainer", flags=flags, package_flags=own)
    assert verdict(USER, Action.WRITE_FILE, on) is None
    assert verdict(USER, Action.CREATE_PACKAGE, on) is Locked


@pytest.mark.parametrize("action", [*READING, *MODIFYING])
@pytest.mark.parametrize("role", ROLES)
def test_a_hidden_project_is_a_missing_one(action: Action, role: str) -> None:
    on = target(role, flags=(FlagRule("access", False),))
    found = verdict(USER, action, on)
    if role in OPENS_HIDDEN:
        assert found is not UnknownProject
    else:
        assert found is UnknownProject
        missing = target(role, exists=False)
        with pytest.raises(UnknownProject) as hidden:
            allowed(USER, action, on)
        with pytest.raises(UnknownProject) as gone:
            allowed(USER, action, missing)
        assert hidden.value.message == gone.value.message
    assert verdict(ADMIN, Action.VIEW, on) is None
    hidden_from_all = target(flags=(FlagRule("access", False),))
    assert verdict(ANONYMOUS, action, hidden_from_all) is UnknownProject


@pytest.mark.parametrize("role", ROLES)
def test_closed_sources_open_for_roles(role: str) -> None:
    on = target(role, flags=(FlagRule("sourceaccess", False),))
    expected = None if role in OPENS_HIDDEN else SourceAccessDenied
    assert verdict(USER, Action.READ_SOURCE, on) is expected
    assert may_read_source(USER, on) is (expected is None)
    assert verdict(USER, Action.VIEW, on) is None


def test_closed_sources_of_one_package() -> None:
    on = target(package_flags=(FlagRule("sourceaccess", False),))
    assert verdict(USER, Action.READ_SOURCE, on) is SourceAccessDenied


@pytest.mark.parametrize(
    ("repository", "arch", "expected"),
    [("old", "i586", NotAllowed), ("old", "x86_64", NotAllowed), ("new", "i586", None)],
)
def test_binaries_close_per_repository(
    repository: str, arch: str, expected: type[PackhouseError] | None
) -> None:
    flags = (FlagRule("binarydownload", False, "old"),)
    base = target(flags=flags)
    on = Target(P, K, base.project, base.package, repository=repository, arch=arch)
    assert verdict(USER, Action.DOWNLOAD_BINARY, on) is expected
    assert verdict(ADMIN, Action.DOWNLOAD_BINARY, on) is None


def test_what_is_missing_is_named() -> None:
    assert verdict(ADMIN, Action.VIEW, target(exists=False)) is UnknownProject
    project = target().project
    on = Target(P, K, project, None)
    assert verdict(ADMIN, Action.WRITE_FILE, on) is UnknownPackage
    assert verdict(ADMIN, Action.CREATE_PACKAGE, on) is None


@pytest.mark.parametrize(
    ("name", "groups", "above", "may"),
    [
        ("home:anna", (), "", True),
        ("home:anna:deep:er", (), "", True),
        ("home:annabel", (), "", False),
        ("home", (), "", False),
        ("home:bert", (), "", False),
        ("Top", (), "", False),
        ("Base:New", (), "maintainer", True),
        ("Base:New", (), "reader", False),
        ("group:qa", ("qa",), "", True),
        ("group:qa:x", ("qa",), "", True),
        ("group:dev", ("qa",), "", False),
    ],
)
@pytest.mark.parametrize("action", [Action.CREATE_PROJECT, Action.UNDELETE_PROJECT])
def test_names_that_one_may_found(
    action: Action, name: str, groups: tuple[str, ...], above: str, may: bool
) -> None:
    held = frozenset(filter(None, (above,)))
    on = Target(ProjectName(name), project_roles=lambda: held)
    identity = Identity(USER.account, groups)
    assert verdict(identity, action, on) is (None if may else NotAllowed)
    assert verdict(ADMIN, action, on) is None
    assert verdict(ANONYMOUS, action, on) is NotAuthenticated


def test_a_key_is_dropped_from_above() -> None:
    assert verdict(USER, Action.DELETE_KEY, target("maintainer", package=False)) is NotAllowed
    assert verdict(USER, Action.DELETE_KEY, target(above="maintainer", package=False)) is None
    assert verdict(ADMIN, Action.DELETE_KEY, target(package=False)) is None


@pytest.mark.parametrize("action", ADMINISTRATIVE)
def test_administration_is_for_administrators(action: Action) -> None:
    assert verdict(ADMIN, action, Target()) is None
    assert verdict(USER, action, Target()) is NotAllowed
    assert verdict(ANONYMOUS, action, Target()) is NotAuthenticated


SCOPES = {
    "read": {"read"},
    "build": {"read", "build"},
    "write": {"read", "build", "write"},
    "admin": {"read", "build", "write", "admin"},
}


@pytest.mark.parametrize("action", [a for a in Action if RULES[a].need is not Need.ADMIN])
@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_limits_what_a_token_does(action: Action, scope: str) -> None:
    token = Token(1, 2, "api", "t", (scope,))
    on = target("maintainer", above="maintainer")
    expected = None if RULES[action].scope in SCOPES[scope] else NotAllowed
    assert verdict(Identity(USER.account, token=token), action, on) is expected


def test_a_project_limits_where_a_token_works() -> None:
    token = Token(1, 2, "api", "t", project="Other")
    for action in (*READING, *MODIFYING):
        assert verdict(Identity(USER.account, token=token), action, target("maintainer")) is (
            NotAllowed
        )
