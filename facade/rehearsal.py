"""What a build would need, found out without planning one.

The planner's checker is asked the way a local build asks: whatever is decided
about the package, what would its root hold? What was read for one question is
kept a minute for the next.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.house import BuilderHouse
from builder.planner.assess import Setting
from builder.planner.check import Checker
from builder.planner.paths import SearchPath, search_path
from builder.planner.scopes import Scope
from builder.planner.sources import RecipeFacts, Sources, newest_sources
from builder.prjconf import ProjectConfig
from builder.recipes import RECIPES, parse_recipe
from builder.resolver import Solvable, build_root, input_set
from storage.model import Package, Project

if TYPE_CHECKING:
    from storage.records import Unit

_REMEMBERED_S = 60.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe that a caller sent along."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a build would be given.

    Attributes:
        path: Repositories in search order.
        sources: Newest sources; without anything when there is no package.
        recipe: None when the package has none for this repository.
        config: As the recipe's kind sees it; None when there is no recipe.
        root: Everything the build root would get.
        inputs: Names of what counts as input.
        error: Why there is no root, in the words clients know; empty = there is one.
    """

    path: SearchPath
    sources: Sources
    recipe: RecipeFacts | None = None
    config: ProjectConfig | None = None
    root: tuple[Solvable, ...] = ()
    inputs: tuple[str, ...] = ()
    error: str = ""


class Rehearsals:
    """Asks the planner's checker; one question at a time."""

    def __init__(self, builder: BuilderHouse) -> None:
        """Ask about the repositories of ``builder``."""
        self._builder = builder
        self._lock = threading.Lock()
        self._checker = Checker(builder)
        self._made_at = time.monotonic()

    def ask(
        self,
        unit: Unit,
        project: Project,
        repository: str,
        arch: str,
        package: Package | None,
        *,
        recipe: Recipe | None = None,
        add: Sequence[str] = (),
    ) -> Rehearsal:
        """What a build of the package would need.

        Args:
            unit: An open unit.
            project: The building project.
            repository: One of its repositories.
            arch: One of its architectures.
            package: Whose build; None when only a recipe is given.
            recipe: Used instead of the package's own.
            add: Further build requirements.
        """
        path = search_path(self._builder, unit, project, repository)
        sources = newest_sources(unit, package) if package else Sources()
        with self.setting(unit, project, repository, arch) as (setting, problem):
            if setting is None:
                return Rehearsal(path, sources, error=problem)
            if recipe is None and sources.error:
                return Rehearsal(path, sources, error=sources.error)
            facts = _recipe(setting, package, sources, recipe)
            if facts is None or facts.parsed.excludes(arch):
                return Rehearsal(path, sources, error="excluded")
            if facts.parsed.error:
                return Rehearsal(path, sources, facts, error=facts.parsed.error)
            return _expanded(setting, path, sources, facts, package, add)

    @contextmanager
    def setting(
        self, unit: Unit, project: Project, repository: str, arch: str
    ) -> Iterator[tuple[Setting | None, str]]:
        """The surroundings of a repository while nobody else asks, or why it cannot be built."""
        with self._lock:
            if time.monotonic() - self._made_at > _REMEMBERED_S:
                self._checker, self._made_at = Checker(self._builder), time.monotonic()
            scope = Scope(project.id, project.name, repository, arch)
            setting, checked = self._checker.setting(unit, project, scope)
            yield setting, checked.details or checked.state


def _recipe(
    setting: Setting, package: Package | None, sources: Sources, given: Recipe | None
) -> RecipeFacts | None:
    name = package.name if package else ""
    if given is not None:
        kind = _kind(setting, given.filename)
        parsed = parse_recipe(
            RECIPES[kind], given.content, setting.config, setting.scope.arch, package=name
        )
        return RecipeFacts(given.filename, parsed)
    if package is None:
        return None
    return setting.recipes.facts(
        package,
        sources,
        setting.config,
        setting.scope.repository,
        setting.scope.arch,
        others=setting.others,
    )


def _kind(setting: Setting, filename: str) -> str:
    suffix = filename.rpartition(".")[2]
    if suffix in RECIPES:
        return suffix
    return setting.config.type if setting.config.type in RECIPES else "spec"


def _expanded(
    setting: Setting,
    path: SearchPath,
    sources: Sources,
    facts: RecipeFacts,
    package: Package | None,
    add: Sequence[str],
) -> Rehearsal:
    config = setting.config_with(facts.parsed.kind)
    pool = setting.pool(config.version_rules)
    own = setting.own.binaries(package.name) if package else []
    wanted = [*facts.parsed.dependencies, *add]
    root = build_root(pool, config, wanted, own=own, prereqs=facts.parsed.prereqs, hints=True)
    if not root.ok:
        return Rehearsal(path, sources, facts, config, error=f"unresolvable: {root.details}")
    inputs = input_set(pool, config, wanted, own=own)
    names = tuple(s.name for s in inputs.packages)
    return Rehearsal(path, sources, facts, config, root.packages, names)
