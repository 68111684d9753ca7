"""Settings: one frozen tree, read from ``packhouse.toml`` and ``PACKHOUSE_*``.

A field's environment name is its path in upper case joined by two
underscores (``limits.file_bytes`` is ``PACKHOUSE_LIMITS__FILE_BYTES``). The
environment wins over the file; unknown keys are errors. Every field is
described by the string below it; ``docs/settings.md`` lists the same fields
and a test compares them.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage.errors import InvalidInput

_PREFIX = "PACKHOUSE_"
_OWN_VARIABLES = frozenset(
    {"PACKHOUSE_ADMIN_PASSWORD", "PACKHOUSE_CONFIG", "PACKHOUSE_TEST_STRICT"}
    | {"PACKHOUSE_TEST_CACHE", "PACKHOUSE_PYTHON", "PACKHOUSE_URL"}
)
"""Variables of this prefix that are no settings."""


class InvalidSettings(InvalidInput):
    """A settings file or variable cannot be read."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one caller may ask for."""

    file_bytes: int = 4 * 1024**3
    """Largest single file over HTTP or LFS, bytes."""
    pack_bytes: int = 1024**3
    """Largest pushed pack, bytes."""
    object_bytes: int = 64 * 1024**2
    """Largest single object in a pushed pack, bytes; larger files belong in LFS."""
    document_bytes: int = 16 * 1024**2
    """Largest XML or JSON request document, bytes."""
    files_per_package: int = 20_000
    """Files one revision may hold."""
    large_binary_bytes: int = 1024**2
    """Above this, content that is not text is kept in the large file store, bytes."""
    large_text_bytes: int = 16 * 1024**2
    """Above this, any content is kept in the large file store, bytes."""
    lock_timeout_s: float = 30.0
    """How long a writer waits for a repository's lock, seconds."""


@dataclass(frozen=True, slots=True)
class BuildLimits:
    """What one build may use."""

    timeout_s: int = 18_000
    """Wall clock of one build, seconds, unless the build asks for less."""
    max_timeout_s: int = 108_000
    """Longest wall clock a caller may ask for, seconds."""
    memory_bytes: int = 8 * 1024**3
    """Memory of one build where cgroups allow it, bytes."""
    disk_bytes: int = 8 * 1024**3
    """Size of the build's writable layer (tmpfs), bytes."""
    processes: int = 2048
    """Processes of one build at a time."""
    log_bytes: int = 64 * 1024**2
    """Size at which a build's log ends the build, bytes."""
    result_bytes: int = 4 * 1024**3
    """Sum of all result files of one build, bytes."""
    result_files: int = 5_000
    """Result files of one build."""


@dataclass(frozen=True, slots=True)
class Chroot:
    """One configured base root, shown as a base project and in Copr's list."""

    kind: str = "mmdebstrap"
    """How the root is made: ``mmdebstrap``, ``tarball``, ``directory`` or ``host``."""
    suite: str = ""
    """Distribution code name for mmdebstrap; empty means that of this machine."""
    source: str = ""
    """Tarball or directory of the kinds of that name."""
    packages: tuple[str, ...] = ()
    """Packages in the root besides the standard build tools."""
    project: str = ""
    """Base project it appears as; empty derives it from the chroot's name (``Debian:12``)."""
    comment: str = ""
    """Text shown by ``copr-cli list-chroots``."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole tree."""

    data_dir: Path = Path("packhouse-data")
    """Where everything that lasts is kept."""
    cache_dir: Path | None = None
    """Base roots, layers and package lists; default ``cache`` in the data directory."""
    listen: str = "127.0.0.1:8000"
    """HOST:PORT to serve on."""
    public_url: str = ""
    """URL under which clients reach the house; empty derives it from ``listen``."""
    title: str = "packhouse"
    """Name of this instance."""
    database_url: str = ""
    """SQLAlchemy URL; empty means SQLite in the data directory."""
    redis_url: str = ""
    """Redis URL; empty starts a private redis-server on a socket in the data directory."""
    web_workers: int = 2
    """Processes that answer HTTP."""
    web_threads: int = 4
    """Threads of each of them."""
    build_workers: int = 2
    """Builds that run at the same time."""
    registration: str = "allow"
    """Who may register an account: ``allow`` anybody, ``deny`` only administrators."""
    home_projects: bool = True
    """Whether registration also creates ``home:<login>``."""
    anonymous_read: bool = True
    """Whether git, published repositories and Copr reads need no account."""
    native_git: bool = True
    """Use the git program, when installed, to serve fetches and to index packs."""
    private_networks: bool = False
    """Whether sources may be fetched from private and loopback addresses."""
    log_level: str = "info"
    """``debug``, ``info``, ``warning`` or ``error``."""
    sandbox: str = "auto"
    """``root``, ``rootless`` or ``auto`` (root mode when started by root)."""
    key_algorithm: str = "ed25519"
    """Algorithm of new signing keys: ``ed25519`` or ``rsa3072``."""
    generations_kept: int = 3
    """Published generations kept of each repository."""
    trash_days: int = 30
    """Days a deleted package or project can be restored."""
    limits: Limits = field(default_factory=Limits)
    """Limits of requests."""
    build: BuildLimits = field(default_factory=BuildLimits)
    """Limits of builds."""
    chroots: Mapping[str, Chroot] = field(default_factory=dict)
    """Base roots by name; empty means one made from this machine's distribution."""

    @property
    def caches(self) -> Path:
        """The cache directory in force."""
        return self.cache_dir or self.data_dir / "cache"

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'packhouse.db').resolve()}"

    @property
    def url(self) -> str:
        """The public URL in force, without a trailing slash."""
        return (self.public_url or f"http://{self.listen}").rstrip("/")


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    **overrides: Any,
) -> Settings:
    """Read the settings.

    Args:
        path: A TOML file; None reads ``PACKHOUSE_CONFIG`` or, if that is unset, no file.
        environ: Variables; default the process environment.
        **overrides: Top-level fields given on the command line; None is ignored.

    Raises:
        InvalidSettings: An unknown key, or a value of the wrong kind.
    """
    environ = os.environ if environ is None else environ
    if path is None and environ.get("PACKHOUSE_CONFIG"):
        path = Path(environ["PACKHOUSE_CONFIG"])
    tree = _read_file(path) if path else {}
    for name, value in environ.items():
        if name.startswith(_PREFIX) and name not in _OWN_VARIABLES:
            _graft(tree, name[len(_PREFIX) :].lower().split("__"), value, name)
    tree.update({key: value for key, value in overrides.items() if value is not None})
    settings: Settings = _build(Settings, tree, "")
    _check(settings)
    return settings


def fields(kind: type = Settings, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Every setting as (dotted name, type text, default text), for the reference page."""
    hints = typing.get_type_hints(kind)
    for f in dataclasses.fields(kind):
        hint = hints[f.name]
        if dataclasses.is_dataclass(hint):
            assert isinstance(hint, type)
            yield from fields(hint, f"{prefix}{f.name}.")
        elif f.name == "chroots":
            yield from fields(Chroot, f"{prefix}chroots.NAME.")
        else:
            default = f.default if f.default is not dataclasses.MISSING else ""
            yield f"{prefix}{f.name}", _type_text(hint), _default_text(default)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSettings(f"cannot read settings file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"settings file {path} is not TOML: {error}") from error


def _graft(tree: dict[str, Any], steps: list[str], value: str, variable: str) -> None:
    node = tree
    for step in steps[:-1]:
        node = node.setdefault(step, {})
        if not isinstance(node, dict):
            raise InvalidSettings(f"{variable} goes below a plain setting")
    node[steps[-1]] = value


def _build(kind: type, tree: Mapping[str, Any], where: str) -> Any:
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(tree) - set(hints))
    if unknown:
        raise InvalidSettings(
            f"unknown setting '{where}{unknown[0]}'",
            hint="docs/settings.md lists every setting",
        )
    return kind(**{key: _convert(value, hints[key], where + key) for key, value in tree.items()})


def _convert(value: Any, hint: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, _table(value, where), where + ".")
    origin = typing.get_origin(hint)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return {
            name: _build(Chroot, _table(entry, f"{where}.{name}"), f"{where}.{name}.")
            for name, entry in _table(value, where).items()
        }
    if origin is tuple:
        items = value.split() if isinstance(value, str) else value
        return tuple(str(item) for item in items)
    if origin in (types.UnionType, typing.Union):
        hint = next(arg for arg in typing.get_args(hint) if arg is not type(None))
    return _scalar(value, hint, where)


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidSettings(f"setting '{where}' is a table")
    return value


def _scalar(value: Any, hint: type, where: str) -> Any:
    try:
        if hint is bool:
            return _boolean(value)
        if hint is Path:
            return Path(value).expanduser()
        if hint in (int, float) and isinstance(value, bool):
            raise ValueError("a number is wanted")
        return hint(value)
    except (TypeError, ValueError) as error:
        raise InvalidSettings(f"setting '{where}' cannot be '{value}': {error}") from error


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if str(value).lower() not in words:
        raise ValueError("true or false is wanted")
    return words[str(value).lower()]


def _check(settings: Settings) -> None:
    choices = {
        "registration": ("allow", "deny"),
        "log_level": ("debug", "info", "warning", "error"),
        "sandbox": ("auto", "root", "rootless"),
        "key_algorithm": ("ed25519", "rsa3072"),
    }
    for name, allowed in choices.items():
        if getattr(settings, name) not in allowed:
            raise InvalidSettings(f"setting '{name}' is one of {', '.join(allowed)}")
    host, _, port = settings.listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise InvalidSettings(f"setting 'listen' is HOST:PORT, not '{settings.listen}'")
    for name in ("web_workers", "web_threads"):
        if getattr(settings, name) < 1:
            raise InvalidSettings(f"setting '{name}' is at least 1")


def _type_text(hint: Any) -> str:
    if typing.get_origin(hint) is tuple:
        return "list of text"
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        hint = next(arg for arg in typing.get_args(hint) if arg is not type(None))
    return {bool: "boolean", int: "integer", float: "number", Path: "path"}.get(hint, "text")


def _default_text(default: Any) -> str:
    if default is None or default == "" or default == ():
        return ""
    if isinstance(default, bool):
        return "true" if default else "false"
    return str(default)
