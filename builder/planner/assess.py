"""What can be said of one package without looking at the others' states.

Steps 1 to 13 of the table in build semantics, section 4.2, in that order.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from storage.flags import package_flag
from storage.model import Job, JobState, Package, Project, Target
from storage.records import Unit

from ..bases import BaseView, default_config
from ..house import BuilderHouse
from ..prjconf import ProjectConfig, parse_config
from ..resolver import Expansion, Pool, Shelf, Solvable, input_set, parse_dependency
from .record import source_of
from .repositories import Repositories, RepositoryState
from .scopes import Scope
from .sources import RecipeFacts, Recipes, Sources, config_for, newest_sources
from .verdict import Verdict

_NEVER_BUILT = frozenset({"_product", "_pattern", "_patchinfo"})
WAITING_STATES = (JobState.UNRESOLVABLE, JobState.BLOCKED, JobState.WAITING)


@dataclass(slots=True)
class Setting:
    """One scope at the moment of a check.

    Attributes:
        states: Repositories of the search path, the own one first.
        base: The distribution behind the path, if there is one.
        others: Whether recipes of another kind than ``Type`` are built too.
    """

    house: BuilderHouse
    unit: Unit
    scope: Scope
    project: Project
    block: str
    rebuild: str
    config: ProjectConfig
    states: list[RepositoryState]
    repositories: Repositories
    recipes: Recipes
    base: BaseView | None = None
    pools: dict[str, Pool] = field(default_factory=dict)

    @property
    def own(self) -> RepositoryState:
        """The repository that is checked."""
        return self.states[0]

    @property
    def config_id(self) -> str:
        """Changes with what of the configuration reaches a build beside its input set."""
        config = self.config
        facts = (config.rawmacros, sorted(config.optflags.items()), config.target)
        text = repr((*facts, config.buildflags))
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    @property
    def others(self) -> bool:
        """On a distribution base, spec and Debian packages go together."""
        return self.base is not None

    def pool(self, kind: str) -> Pool:
        """The pool of one package format, without the results of no use to it."""
        if kind not in self.pools:
            shelves: list[Shelf] = [state.shelves[kind] for state in self.states]
            self.pools[kind] = Pool(
                "deb" if kind == "deb" else "rpm",
                shelves=shelves,
                fileprovides=self.config.fileprovides,
                backdrop=self.base.universe if self.base else None,
            )
        return self.pools[kind]

    def config_with(self, kind: str) -> ProjectConfig:
        """The configuration for a recipe kind; own packages come before shipped substitutes."""
        config = config_for(self.config, kind)
        if self.base is None:
            return config
        pool, shipped = self.pool(config.version_rules), shipped_substitutes(self.scope.arch)
        kept = {
            name: words
            for name, words in config.substitute.items()
            if shipped.get(name) != words or not pool.providers(name)
        }
        return config if len(kept) == len(config.substitute) else replace(config, substitute=kept)


@dataclass(slots=True)
class Assessment:
    """What is known of a package: either a verdict, or its input set.

    Attributes:
        verdict: Final, whatever the other packages do.
        inputs: The input set, when the verdict depends on others.
        names: Capabilities the expansion looked at.
        job: The open job, if there is one.
    """

    package: Package
    sources: Sources
    target: Target | None
    verdict: Verdict | None = None
    recipe: RecipeFacts | None = None
    config: ProjectConfig | None = None
    inputs: tuple[Solvable, ...] = ()
    names: frozenset[str] = frozenset()
    job: Job | None = None


def assess(setting: Setting, package: Package) -> Assessment:
    """Look at one package."""
    unit, scope = setting.unit, setting.scope
    target = unit.targets.get(package.id, scope.repository, scope.arch)
    found = Assessment(package, newest_sources(unit, package), target)
    found.job = unit.jobs.open_for(package.id, scope.repository, scope.arch)
    found.verdict = _switched_off(setting, found) or _without_recipe(setting, found)
    if found.verdict is None:
        found.verdict = _at_work(found) or _elsewhere(setting, found)
    if found.verdict is None:
        _expand(setting, found)
    return found


def _verdict(found: Assessment, code: JobState, details: str = "") -> Verdict:
    return Verdict(found.package, found.sources, found.target, code, details)


def _excluded(found: Assessment, details: str = "") -> Verdict:
    verdict = _verdict(found, JobState.EXCLUDED, details)
    return replace(verdict, drops_results=True, stops_running=True)


def _flag(setting: Setting, package: Package, flag: str) -> bool:
    scope = setting.scope
    return package_flag(setting.project.meta, package.meta, flag, scope.repository, scope.arch)


def _switched_off(setting: Setting, found: Assessment) -> Verdict | None:
    """Steps 1 to 8: locks, flags and errors of the sources."""
    package = found.package
    if package.name in _NEVER_BUILT:
        return _excluded(found)
    if _flag(setting, package, "lock"):
        return replace(_verdict(found, JobState.LOCKED), stops_running=True)
    if package.name in setting.config.flag_values("build", "excludebuild"):
        return _excluded(found, "package blacklist")
    only = setting.config.flag_values("build", "onlybuild")
    if only and package.name not in only:
        return _excluded(found, "package whitelist")
    is_on = _flag(setting, package, "build")
    if found.sources.error and (is_on or not _off_everywhere(setting, package)):
        return _verdict(found, JobState.BROKEN, found.sources.error)
    if not is_on:
        return replace(_verdict(found, JobState.DISABLED), stops_running=True)
    return None


def _off_everywhere(setting: Setting, package: Package) -> bool:
    meta = setting.project.meta
    return not any(
        package_flag(meta, package.meta, "build", repository.name, arch)
        for repository in meta.repositories
        for arch in repository.arches
    )


def _without_recipe(setting: Setting, found: Assessment) -> Verdict | None:
    """Steps 9 to 11: what the recipe says about itself."""
    scope, config = setting.scope, setting.config
    found.recipe = setting.recipes.facts(
        found.package,
        found.sources,
        config,
        scope.repository,
        scope.arch,
        others=setting.others,
    )
    if found.recipe is None:
        return _excluded(found)
    parsed = found.recipe.parsed
    if parsed.excludes(config.target.partition("-")[0] or scope.arch):
        return _excluded(found)
    if parsed.error:
        return _verdict(found, JobState.BROKEN, parsed.error)
    return None


def _at_work(found: Assessment) -> Verdict | None:
    """Step 12: a job for exactly these sources is on its way."""
    job = found.job
    if job is None or job.srcmd5 != found.sources.id or job.state in WAITING_STATES:
        return None
    if job.state is JobState.SCHEDULED and job.queued_at is None:
        return None  # nobody has it yet: it follows what changes meanwhile
    return replace(_verdict(found, JobState.SCHEDULED), keeps_job=True)


def _elsewhere(setting: Setting, found: Assessment) -> Verdict | None:
    """Sources that were submitted for other chroots only: this one keeps what it has."""
    build = setting.unit.builds.latest(found.package.id)
    chroots = build.options.get("chroots") if build else None
    here = f"{setting.scope.repository}-{setting.scope.arch}"
    if build is None or chroots is None or here in chroots or build.srcmd5 != found.sources.id:
        return None
    target = found.target
    if target is None or not target.record:
        text = f"build {build.id} is for other chroots"
        return replace(_verdict(found, JobState.DISABLED, text), keeps_job=True)
    if source_of(target.record) == found.sources.id:
        return None
    return replace(_verdict(found, target.code, target.details), keeps_job=True)


def _expand(setting: Setting, found: Assessment) -> None:
    """Step 13: the input set, or why there is none."""
    assert found.recipe is not None
    parsed = found.recipe.parsed
    found.config = setting.config_with(parsed.kind)
    pool = setting.pool(found.config.version_rules)
    watched: set[str] = set()
    pool.watched = watched
    own = setting.own.binaries(found.package.name)
    expansion: Expansion = input_set(pool, found.config, parsed.dependencies, own=own, hints=True)
    pool.watched = None
    names = {part.name for text in watched for part in map(parse_dependency, text.split("|"))}
    names.update(solvable.name for solvable in expansion.packages)
    # A substituted name counts too: a package of the project may provide it one day.
    names.update(parse_dependency(text).name for text in parsed.buildrequires)
    found.names = frozenset(names)
    if expansion.ok:
        found.inputs = expansion.packages
    else:
        found.verdict = _verdict(found, JobState.UNRESOLVABLE, expansion.details)


_SHIPPED: dict[str, dict[str, tuple[str, ...]]] = {}


def shipped_substitutes(arch: str) -> dict[str, tuple[str, ...]]:
    """The table that comes with the base configuration."""
    if arch not in _SHIPPED:
        _SHIPPED[arch] = dict(parse_config(default_config(), arch).substitute)
    return _SHIPPED[arch]
