"""``packhouse admin``: works on the data directly; the house may run meanwhile."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable

from storage import passwords
from storage.errors import InvalidInput
from storage.model import Account, Author
from storage.names import ProjectName, UserName
from storage.records import Records

from .. import tokens
from ..bootstrap import create_account
from ..copr.config import client_config
from ..obs.meta import parse_package_meta, parse_project_meta
from ..reference import settings_page
from ..settings import Settings
from ..wiring import House, build_house
from .common import Verbs, add_house_arguments, add_verb, read_secret, say, settings_of

_COPR_TOKEN_DAYS = 180
_DAY_S = 86_400
_SCOPES = ("read", "write", "build", "admin")


def add_to(verbs: Verbs) -> None:
    """Register the verb and what stands below it."""
    parser = add_verb(
        verbs,
        "admin",
        "manage accounts, tokens and projects, check and repair",
        "packhouse admin user add anna --password-file - --data /srv/packhouse",
    )
    below = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_user(below)
    _add_token(below)
    _add_project(below)
    _leaf(
        below,
        "reindex",
        "rebuild the database's revisions and listings from git",
        "packhouse admin reindex --data /srv/packhouse",
        _reindex,
    )
    _leaf(
        below,
        "fsck",
        "check every repository against the database",
        "packhouse admin fsck --data /srv/packhouse",
        _fsck,
    )
    _leaf(
        below,
        "migrate",
        "bring the database to this version's tables",
        "packhouse admin migrate --data /srv/packhouse",
        _migrate,
    )
    settings = add_verb(
        below, "settings", "print the settings reference page", "packhouse admin settings"
    )
    settings.set_defaults(run=_settings)


def _leaf(
    verbs: Verbs, name: str, summary: str, example: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    parser = add_verb(verbs, name, summary, example)
    add_house_arguments(parser)
    parser.set_defaults(run=run)
    return parser


def _add_user(verbs: Verbs) -> None:
    user = add_verb(verbs, "user", "manage accounts", "packhouse admin user list --data DIR")
    below = user.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add = _leaf(
        below,
        "add",
        "create an account",
        "packhouse admin user add anna --password-file secret.txt --data DIR",
        _user_add,
    )
    add.add_argument("name")
    add.add_argument("--password-file", required=True, metavar="FILE|-")
    add.add_argument("--email", default="")
    add.add_argument("--realname", default="")
    add.add_argument("--admin", action="store_true", help="give the global role Admin")
    password = _leaf(
        below,
        "password",
        "set an account's password",
        "packhouse admin user password anna --password-file - --data DIR",
        _user_password,
    )
    password.add_argument("name")
    password.add_argument("--password-file", required=True, metavar="FILE|-")
    for state, verb in (("locked", "lock"), ("confirmed", "unlock")):
        leaf = _leaf(
            below,
            verb,
            f"{verb} an account",
            f"packhouse admin user {verb} anna --data DIR",
            _user_state,
        )
        leaf.add_argument("name")
        leaf.set_defaults(state=state)
    _leaf(below, "list", "list accounts", "packhouse admin user list --data DIR", _user_list)


def _add_token(verbs: Verbs) -> None:
    token = _leaf(
        verbs,
        "token",
        "make a token for an account and print it once",
        "packhouse admin token anna --copr --data DIR > ~/.config/copr",
        _token,
    )
    token.add_argument("user")
    token.add_argument("--copr", action="store_true", help="print a copr-cli configuration file")
    token.add_argument("--scope", action="append", choices=_SCOPES, default=[])
    token.add_argument("--project", help="valid for this project only")
    token.add_argument("--days", type=int, help="days until it expires")
    token.add_argument("--description", default="")


def _add_project(verbs: Verbs) -> None:
    project = add_verb(
        verbs, "project", "list, delete and restore projects", "packhouse admin project list"
    )
    below = project.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = _leaf(
        below, "list", "list projects", "packhouse admin project list --data DIR", _project_list
    )
    listing.add_argument("--prefix", default="", help="only names that begin so")
    for verb, run in (("delete", _project_delete), ("undelete", _project_undelete)):
        leaf = _leaf(
            below,
            verb,
            f"{verb} a project",
            f"packhouse admin project {verb} home:anna --data DIR",
            run,
        )
        leaf.add_argument("name")


def _house(arguments: argparse.Namespace) -> tuple[Settings, House]:
    settings = settings_of(arguments)
    return settings, build_house(settings)


def _account(house: House, name: str) -> Account:
    with house.records.read() as unit:
        return unit.accounts.get(UserName.parse(name))


def _user_add(arguments: argparse.Namespace) -> int:
    settings, house = _house(arguments)
    account = create_account(
        house,
        UserName.parse(arguments.name),
        read_secret(arguments.password_file),
        email=arguments.email,
        realname=arguments.realname,
        is_admin=arguments.admin,
        home=settings.home_projects,
    )
    say(f"account {account.login} created")
    return 0


def _user_password(arguments: argparse.Namespace) -> int:
    _, house = _house(arguments)
    account = _account(house, arguments.name)
    hashed = passwords.hash(read_secret(arguments.password_file))
    with house.records.begin() as unit:
        unit.accounts.set_password(account.id, hashed)
    say(f"password of {account.login} set")
    return 0


def _user_state(arguments: argparse.Namespace) -> int:
    _, house = _house(arguments)
    account = _account(house, arguments.name)
    with house.records.begin() as unit:
        unit.accounts.update(account.id, state=arguments.state)
    say(f"account {account.login} is {arguments.state}")
    return 0


def _user_list(arguments: argparse.Namespace) -> int:
    _, house = _house(arguments)
    with house.records.read() as unit:
        logins = unit.accounts.list()
        while logins:
            _say_accounts(unit.accounts.get(login) for login in logins)
            logins = unit.accounts.list(after=logins[-1])
    return 0


def _say_accounts(accounts: Iterable[Account]) -> None:
    for account in accounts:
        role = "Admin" if account.is_admin else "User"
        say(f"{account.login}\t{role}\t{account.state}\t{account.email}")


def _token(arguments: argparse.Namespace) -> int:
    settings, house = _house(arguments)
    account = _account(house, arguments.user)
    days = arguments.days if arguments.days is not None else _COPR_TOKEN_DAYS * arguments.copr
    if days < 0:
        raise InvalidInput("days cannot be negative")
    expires_at = int(time.time()) + days * _DAY_S if days else None
    with house.records.begin() as unit:
        issued = tokens.issue(
            unit,
            account.id,
            "copr" if arguments.copr else "api",
            scopes=tuple(arguments.scope),
            project=ProjectName.parse(arguments.project) if arguments.project else None,
            description=arguments.description,
            expires_at=expires_at,
        )
    login, secret = issued.token.login, issued.secret
    if arguments.copr:
        say(client_config(login, secret, account.login, settings.url, expires_at).rstrip("\n"))
    else:
        say(secret)
    return 0


def _project_list(arguments: argparse.Namespace) -> int:
    _, house = _house(arguments)
    with house.records.read() as unit:
        for name in unit.projects.list(prefix=arguments.prefix or None):
            say(name)
    return 0


def _project_delete(arguments: argparse.Namespace) -> int:
    _, house = _house(arguments)
    house.storage.delete_project(ProjectName.parse(arguments.name), Author("Admin"))
    say(f"project {arguments.name} deleted")
    return 0


def _project_undelete(arguments: argparse.Namespace) -> int:
    _, house = _house(arguments)
    house.storage.undelete_project(ProjectName.parse(arguments.name), Author("Admin"))
    say(f"project {arguments.name} restored")
    return 0


def _reindex(arguments: argparse.Namespace) -> int:
    _, house = _house(arguments)
    house.storage.reindex(parse_project_meta, parse_package_meta)
    say("reindexed")
    return 0


def _fsck(arguments: argparse.Namespace) -> int:
    _, house = _house(arguments)
    problems = house.storage.fsck()
    for problem in problems:
        say(problem)
    say(f"{len(problems)} problems" if problems else "no problems")
    return 1 if problems else 0


def _migrate(arguments: argparse.Namespace) -> int:
    Records.open(settings_of(arguments).database, migrate=True).close()
    say("the database is up to date")
    return 0


def _settings(_arguments: argparse.Namespace) -> int:
    say(settings_page().rstrip("\n"))
    return 0
