"""The check of one scope: from wishes to verdicts, until nothing changes any more."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from storage.model import JobState, Project
from storage.records import Unit

from ..bases import BaseView
from ..house import BuilderHouse
from ..prjconf import UNDEFINED, ProjectConfig
from .assess import Assessment, Setting, assess
from .cycles import components
from .decide import FIRST_REASONS, Decider
from .paths import Configs, SearchPath, located, search_path
from .repositories import Repositories, RepositoryState
from .scopes import Scope, Wanted, repository_of
from .sources import Recipes
from .verdict import Verdict

_log = logging.getLogger(__name__)

_MOST_DECISIONS = 12  # of one package in one check; cycles come to rest long before


@dataclass(slots=True)
class Checked:
    """What a check found.

    Attributes:
        state: Repository state while nothing of it is built: empty = it can be built.
        details: Text of that state.
        pending: The check has to be made again: something it needs is not there yet.
        verdicts: By package name.
        removed: Packages that have targets and no longer exist.
        flipped: Packages that became busy or ceased to be; others wait for them.
        names: Capabilities that changed since the last look.
    """

    scope: Scope
    state: str = ""
    details: str = ""
    pending: bool = False
    config: ProjectConfig | None = None
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    flipped: set[str] = field(default_factory=set)
    binaries: set[str] = field(default_factory=set)


class Checker:
    """Checks scopes; remembers between checks what does not change."""

    def __init__(self, house: BuilderHouse) -> None:
        """Check for ``house``."""
        self._house = house
        self.configs = Configs(house)
        self.recipes = Recipes(house)
        self.repositories = Repositories()
        self.assessed = 0
        """Packages looked at so far; what a check costs."""

    def check(self, unit: Unit, project: Project, scope: Scope, wanted: Wanted) -> Checked:
        """Look at everything wanted and at whatever that affects; changes nothing."""
        found = Checked(scope)
        path = search_path(self._house, unit, project, scope.repository)
        setting = self._setting(unit, project, path, found)
        if setting is None:
            return found
        packages = self.repositories.packages(unit, project.id)
        todo = set(packages) if wanted.everything else wanted.packages & packages.keys()
        found.names |= wanted.names
        todo |= setting.own.uses.users(found.names) & packages.keys()
        _Round(self, setting, found).run(todo)
        return found

    def config_text(self, unit: Unit, project: Project, repository: str) -> str:
        """What ``_buildconfig`` serves."""
        path = search_path(self._house, unit, project, repository)
        return self.configs.text(unit, project, path)

    def setting(self, unit: Unit, project: Project, scope: Scope) -> tuple[Setting | None, Checked]:
        """The surroundings of a scope for questions outside of a check."""
        found = Checked(scope)
        path = search_path(self._house, unit, project, scope.repository)
        return self._setting(unit, project, path, found), found

    def _setting(
        self, unit: Unit, project: Project, path: SearchPath, found: Checked
    ) -> Setting | None:
        """Everything around the packages; None when the repository cannot be built."""
        scope = found.scope
        repository = repository_of(project, scope)
        assert repository is not None
        text = self.configs.text(unit, project, path)
        config = found.config = self.configs.config(text, scope.arch)
        base = self._base(path, scope.arch)
        found.state, found.details = _broken(path, config, text)
        if not found.state and base is not None and base.universe is None:
            found.state, found.details, found.pending = "blocked", base.problem, True
        if found.state:
            return None
        states = []
        for element in path.elements:
            if element.project is None:
                continue
            place = Scope(element.project.id, element.name, element.repository, scope.arch)
            hidden = config.flag_values("build", "nouseforbuild") if place == scope else ()
            state, touched = self.repositories.state(unit, element.project, place, hidden=hidden)
            states.append(state)
            if place == scope:
                found.names |= touched
        return Setting(
            self._house,
            unit,
            scope,
            project,
            repository.block,
            repository.rebuild,
            config,
            states,
            self.repositories,
            self.recipes,
            base,
        )

    def _base(self, path: SearchPath, arch: str) -> BaseView | None:
        views = (self._house.bases.view(e.name, e.repository, arch) for e in path.elements)
        return next((view for view in views if view is not None), None)


def _broken(path: SearchPath, config: ProjectConfig, text: str) -> tuple[str, str]:
    """Repository state and text when its setup is impossible (section 4.1)."""
    if path.unavailable:
        return "broken", ", ".join(f"repository '{n}' is unavailable" for n in path.unavailable)
    if config.parse_error:
        return "broken", located(text, config.parse_error)
    if config.type == UNDEFINED:
        return "broken", f"no build type ({path.elements[-1].name})"
    return "", ""


class _Round:
    """Verdicts to a fixed point: a package that flips takes its users along."""

    def __init__(self, checker: Checker, setting: Setting, found: Checked) -> None:
        self._checker = checker
        self._setting = setting
        self._own: RepositoryState = setting.own
        self._found = found
        self._assessed: dict[str, Assessment] = {}
        self._partners: dict[str, tuple[str, ...]] = {}
        self._decided: Counter[str] = Counter()
        self._decider = Decider(setting, self._is_busy, self._cycle_of, self._has_started)

    def run(self, todo: set[str]) -> None:
        while todo:
            for name in todo:
                self._assess(name)
            flipped = set()
            for name in self._ordered(todo):
                was_busy = self._is_busy_itself(name)
                verdict = self._decider.decide(self._assessed[name])
                self._found.verdicts[name] = verdict
                self._decided[name] += 1
                if verdict.is_busy != was_busy or verdict.drops_results:
                    flipped.add(name)
            self._found.flipped |= flipped
            binaries = {b for name in flipped for b in self._own.binaries(name)}
            self._found.binaries |= binaries
            todo = {
                name
                for name in self._own.uses.users(binaries)
                if self._decided[name] < _MOST_DECISIONS
            }
            todo -= self._unknown(todo)

    def _unknown(self, names: Iterable[str]) -> set[str]:
        packages = self._checker.repositories.packages(self._setting.unit, self._setting.project.id)
        return {name for name in names if name not in packages}

    def _assess(self, name: str) -> None:
        if name in self._assessed:
            return
        setting = self._setting
        packages = self._checker.repositories.packages(setting.unit, setting.project.id)
        found = self._assessed[name] = assess(setting, packages[name])
        self._checker.assessed += 1
        if found.names:
            self._own.uses.put(name, found.names)
        if found.inputs:
            self._own.inputs[name] = tuple(s.name for s in found.inputs)

    def _ordered(self, todo: set[str]) -> list[str]:
        """Producers first; in a cycle those with a reason of their own first."""
        ordered: list[str] = []
        for members in components(todo, self._own.producers):
            for member in members:
                self._partners[member] = tuple(m for m in members if m != member)
            here = [name for name in members if name in todo]
            ordered += sorted(here, key=lambda name: (not self._starts_itself(name), name))
        return ordered

    def _starts_itself(self, name: str) -> bool:
        found = self._assessed[name]
        return found.verdict is None and self._decider.own_reason(found) is not None

    def _cycle_of(self, name: str) -> Collection[str]:
        return self._partners.get(name, ())

    def _is_busy_itself(self, name: str) -> bool:
        verdict = self._found.verdicts.get(name)
        return verdict.is_busy if verdict is not None else self._own.is_busy(name)

    def _is_busy(self, name: str) -> bool:
        """For packages outside of a cycle all its members are unfinished together."""
        return self._is_busy_itself(name) or any(
            self._is_busy_itself(partner) for partner in self._partners.get(name, ())
        )

    def _has_started(self, name: str) -> bool:
        """Whether a cycle member is being built because of its own sources."""
        verdict = self._found.verdicts.get(name)
        if verdict is not None and not verdict.keeps_job:
            return (
                verdict.code is JobState.SCHEDULED
                and verdict.reason.get("explain") in FIRST_REASONS
            )
        target = self._own.targets.get(name)
        if target is None or target.code is not JobState.SCHEDULED or target.job_id is None:
            return False
        job = self._setting.unit.jobs.by_ids([target.job_id]).get(target.job_id)
        return job is not None and job.reason.get("explain") in FIRST_REASONS
