"""Expansion of dependencies into a set of packages, or into texts that say why not.

The rules and their order are those of build semantics, section 2.3. A solver would
find an answer where these rules say *have choice*; projects rely on that refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..prjconf import ProjectConfig
from ..versions import Dependency
from .choice import Chooser
from .pool import Pool
from .rich import BadDependency, Clause, clauses, is_rich
from .solvable import Solvable, parse_dependency

_SWITCHES = (
    "--ignoreconflicts--",
    "--ignoreignore--",
    "--keepfilerequires--",
    "--dorecommends--",
    "--dosupplements--",
)
_LAST_PASS = 6
_SHOWN_ERRORS = 100


@dataclass(frozen=True, slots=True)
class Expansion:
    """Either ``packages`` in the order they were chosen, or ``errors``."""

    packages: tuple[Solvable, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether a set was found."""
        return not self.errors

    @property
    def names(self) -> list[str]:
        """Names of the packages, sorted."""
        return sorted(solvable.name for solvable in self.packages)

    @property
    def details(self) -> str:
        """The errors as one line, as clients show them; of very many the first ones."""
        if len(self.errors) <= _SHOWN_ERRORS:
            return ", ".join(self.errors)
        return ", ".join([*self.errors[:_SHOWN_ERRORS], "..."])


@dataclass(frozen=True, slots=True)
class _Open:
    """A dependency not yet met; ``requirer`` is empty for those of the recipe."""

    text: str
    requirer: str = ""
    clause: Clause | None = None

    @property
    def words(self) -> str:
        return f"{self.text} needed by {self.requirer}" if self.requirer else self.text


def expand(
    pool: Pool, config: ProjectConfig, dependencies: Sequence[str], *, hints: bool = False
) -> Expansion:
    """Close a list of direct dependencies over their requirements.

    Args:
        pool: One candidate per name.
        config: Source of Prefer, Ignore, Conflict and the expand flags.
        dependencies: ``x``, ``!x`` (forbid), ``-x`` (drop) and ``--switch--`` words.
        hints: Add ``(got version ...)`` after a missing version.
    """
    return _Run(pool, config, dependencies, hints).result()


@dataclass(slots=True)
class _Request:
    """The words of a dependency list, sorted by what they ask for."""

    direct: list[str] = field(default_factory=list)
    indirect: list[str] = field(default_factory=list)
    forbidden: list[str] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)
    switches: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, words: Iterable[str]) -> _Request:
        request, wanted = cls(), list[str]()
        target = request.direct
        for word in words:
            if word == "--directdepsend--":
                target = request.indirect
            elif word.startswith("--"):
                request.switches.add(word)
            elif word.startswith("-"):
                request.dropped.add(word[1:])
            elif word.startswith("!"):
                request.forbidden.append(word[1:])
            else:
                target.append(word)
                wanted.append(word)
        request.direct = [w for w in request.direct if w not in request.dropped]
        return request


class _Run:
    def __init__(
        self, pool: Pool, config: ProjectConfig, words: Sequence[str], hints: bool
    ) -> None:
        self._pool = pool
        self._hints = hints
        self._request = _Request.read(words)
        flags = {flag for flag in _SWITCHES if self._flag(config, flag)}
        self._keep_files = "--keepfilerequires--" in flags
        self._recommended = "--dorecommends--" in flags
        self._use_conflicts = "--ignoreconflicts--" not in flags
        self._ignored = set() if "--ignoreignore--" in flags else config.ignored()
        self._ignored |= set() if "--ignoreignore--" in flags else self._request.dropped
        self._config_conflicts = config.conflicts()
        self._chosen: dict[str, Solvable] = {}
        self._forbidden: dict[str, str] = {}
        self._todo: list[_Open] = []
        self._errors: list[str] = []
        self._chooser = Chooser(
            pool, config, self._chosen, supplements="--dosupplements--" in flags
        )

    def _flag(self, config: ProjectConfig, switch: str) -> bool:
        if switch in self._request.switches:
            return True
        return config.flag("expand", switch.strip("-")) is not None

    def result(self) -> Expansion:
        self._forbid()
        self._take_direct()
        if not self._errors:
            for solvable in list(self._chosen.values()):
                self._enter(solvable)
        if not self._errors:
            self._loop()
        if self._errors:
            return Expansion(errors=tuple(self._errors))
        return Expansion(packages=tuple(self._chosen.values()))

    # --- the beginning: what the recipe names ---

    def _forbid(self) -> None:
        for name in self._config_conflicts.get(":", []):
            self._forbidden[name] = "is in conflict"
        for word in self._request.forbidden:
            for name in self._providing(word):
                self._forbidden[name] = "is in conflict"

    def _take_direct(self) -> None:
        """Take packages that have exactly the name; the rest stays open."""
        for text in self._request.direct:
            if is_rich(text):
                self._open_rich(text, "")
                continue
            name = parse_dependency(text).name
            named = [s for s in self._candidates(text) if s.name == name]
            if len(named) == 1 and name not in self._forbidden:
                self._chosen[name] = named[0]
            elif named and len(self._pool.providers(text)) <= 1:
                self._errors.append(f"{name} {self._forbidden[name]}")
            else:
                self._todo.append(_Open(text))
        self._todo += [_Open(text) for text in self._request.indirect]

    # --- one package comes in ---

    def _choose(self, solvable: Solvable) -> None:
        self._chosen[solvable.name] = solvable
        self._enter(solvable)

    def _enter(self, solvable: Solvable) -> None:
        """Note what a chosen package forbids, and open its requirements."""
        if self._use_conflicts:
            for name in self._excludes(solvable):
                self._exclude(solvable, name, "conflicts with", "is in conflict with")
            for name in self._obsoleted(solvable):
                self._exclude(solvable, name, "obsoletes", "is obsoleted by")
        for name in self._config_conflicts.get(solvable.name, []):
            self._exclude(solvable, name, "conflicts with", "is in conflict with")
        for text in solvable.requires:
            if is_rich(text):
                self._open_rich(text, solvable.name)
            elif not text.startswith("rpmlib("):
                self._todo.append(_Open(text, solvable.name))

    def _exclude(self, solvable: Solvable, name: str, active: str, passive: str) -> None:
        if name in self._chosen:
            self._errors.append(f"{solvable.name} {active} {name}")
        else:
            self._forbidden.setdefault(name, f"{passive} {solvable.name}")

    def _excludes(self, solvable: Solvable) -> list[str]:
        """Names of other packages that a package's conflicts meet."""
        found: dict[str, None] = {}
        for text in solvable.conflicts:
            names = self._rich_conflict(solvable, text) if is_rich(text) else self._providing(text)
            found.update(dict.fromkeys(name for name in names if name != solvable.name))
        return list(found)

    def _rich_conflict(self, solvable: Solvable, text: str) -> list[str]:
        """A boolean conflict: what may not be installed as soon as the rest of it is."""
        try:
            found = clauses(text, self._providing, negated=True)
        except BadDependency:
            self._errors.append(f"cannot parse dependency {text} from {solvable.name}")
            return []
        names: list[str] = []
        for clause in found:
            if not clause.any_of and not clause.unless_all:
                self._errors.append(f"{solvable.name} conflicts with always true {text}")
            elif not clause.any_of:
                absent = [n for n in sorted(clause.unless_all) if n not in self._chosen]
                if len(absent) <= 1:
                    names += absent or sorted(clause.unless_all)[-1:]
        return names

    def _obsoleted(self, solvable: Solvable) -> list[str]:
        """Obsoletes meet packages by name only, never what they provide."""
        found: list[str] = []
        for text in solvable.obsoletes:
            name = parse_dependency(text).name
            if name != solvable.name and name in self._providing(text):
                found.append(name)
        return found

    def _open_rich(self, text: str, requirer: str) -> None:
        try:
            found = clauses(text, self._providing)
        except BadDependency:
            source = f" from {requirer}" if requirer else ""
            self._errors.append(f"cannot parse dependency {text}{source}")
            return
        self._todo += [_Open(text, requirer, clause) for clause in found]

    # --- the loop over what is open ---

    def _loop(self) -> None:
        passing = 0
        while not self._errors:
            before = len(self._chosen)
            for dependency in self._take_todo():
                if not self._settle(dependency, passing):
                    self._todo.append(dependency)
            if len(self._chosen) > before:
                passing = 0
            elif not self._waiting():
                if not (self._recommended and self._take_recommended()):
                    return
            elif passing == _LAST_PASS:
                return
            else:
                passing += 1

    def _take_todo(self) -> list[_Open]:
        todo, self._todo = self._todo, []
        return todo

    def _waiting(self) -> bool:
        """Whether something is open besides conditions that do not hold yet."""
        return any(d.clause is None or self._holds(d.clause) for d in self._todo)

    def _holds(self, clause: Clause) -> bool:
        return all(name in self._chosen for name in clause.unless_all)

    def _settle(self, dependency: _Open, passing: int) -> bool:
        """Try one open dependency in one pass; False when it stays open."""
        if dependency.clause is not None:
            if any(name in self._chosen for name in dependency.clause.any_of):
                return True
            if not self._holds(dependency.clause):
                return False
            found = [s for n in dependency.clause.any_of if (s := self._named(n)) is not None]
        else:
            found = self._candidates(dependency.text)
            if any(s.name in self._chosen for s in found) or self._is_ignored(dependency, found):
                return True
        if not found:
            self._missing(dependency)
            return True
        if passing == 0 and len(found) > 1:
            return False
        return self._pick(dependency, found, passing)

    def _pick(self, dependency: _Open, found: list[Solvable], passing: int) -> bool:
        usable = [s for s in found if not self._reasons(s)]
        if not usable:
            self._errors.append(f"conflict for providers of {dependency.words}")
            for solvable in sorted(found, key=lambda s: s.name):
                self._errors += [f"(provider {solvable.name} {r})" for r in self._reasons(solvable)]
            return True
        left = self._chooser.narrow(dependency.text, dependency.requirer, usable, passing)
        if len(left) == 1:
            self._choose(left[0])
            return True
        if passing == _LAST_PASS:
            names = " ".join(sorted(solvable.name for solvable in left))
            self._errors.append(f"have choice for {dependency.words}: {names}")
            return True
        return False

    def _take_recommended(self) -> bool:
        """Install what chosen packages recommend, as far as it needs no choice."""
        before = len(self._chosen)
        for solvable in list(self._chosen.values()):
            for text in solvable.recommends:
                found = [] if is_rich(text) else self._candidates(text)
                usable = [s for s in found if not self._reasons(s)]
                if len(usable) == 1 and usable[0].name not in self._chosen:
                    self._choose(usable[0])
        return len(self._chosen) > before

    # --- who provides what ---

    def _candidates(self, text: str) -> list[Solvable]:
        """Packages of the pool; if it has none, the one of the backdrop to take."""
        found = list(self._pool.providers(text))
        behind = self._pool.behind(text)
        if chosen := [s for s in behind if s.name in self._chosen]:
            return chosen
        if not found:
            usable = [s for s in behind if not self._reasons(s)]
            return (usable or list(behind))[:1]
        return found

    def _providing(self, text: str) -> list[str]:
        found = [*self._pool.providers(text), *self._pool.behind(text)]
        return [solvable.name for solvable in found]

    def _named(self, name: str) -> Solvable | None:
        found = self._pool.get(name)
        return found or next((s for s in self._pool.behind(name) if s.name == name), None)

    def _reasons(self, solvable: Solvable) -> list[str]:
        """Why a package cannot come in now; empty = it can."""
        if solvable.name in self._forbidden:
            return [self._forbidden[solvable.name]]
        if not self._use_conflicts:
            return []
        found: list[str] = []
        for text in solvable.conflicts:
            if not is_rich(text):
                names = [n for n in self._providing(text) if n in self._chosen]
                found += [f"conflicts with {name}" for name in names]
        found += [f"obsoletes {n}" for n in self._obsoleted(solvable) if n in self._chosen]
        return found

    def _is_ignored(self, dependency: _Open, found: Sequence[Solvable]) -> bool:
        """Ignore drops indirect requirements, by capability and by any provider's name."""
        if not dependency.requirer:
            return False
        words = [parse_dependency(dependency.text).name, *(s.name for s in found)]
        return any(
            word in self._ignored or f"{dependency.requirer}:{word}" in self._ignored
            for word in words
        )

    def _missing(self, dependency: _Open) -> None:
        text = dependency.text
        if dependency.requirer and self._pool.kind == "rpm" and dependency.clause is None:
            if text.startswith("/") and not self._keep_files:
                if not self._pool.is_known_file(text):
                    return
            elif self._pool.backdrop is not None and self._pool.backdrop.assumes(text):
                return
        if text.startswith("(!") and not dependency.requirer:
            self._errors.append(f"conflicts with {text[2:-1]}")
            return
        self._errors.append(f"nothing provides {dependency.words}")
        wanted = parse_dependency(text)
        if self._hints and wanted.operator and not is_rich(text):
            self._errors += self._got(wanted)

    def _got(self, wanted: Dependency) -> list[str]:
        """The versions that are there instead."""
        return [
            f"(got version {version})"
            if solvable.name == wanted.name
            else f"(got version {version} provided by {solvable.name})"
            for version, solvable in self._pool.versions(wanted.name)
        ]
