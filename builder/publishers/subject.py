"""One repository at the moment of publishing: what is read, and the trees it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from storage.errors import InvalidName
from storage.model import JobState, PackageMeta, Project, Repository, SigningKey
from storage.names import RepositoryName

from ..artifacts import result_path
from ..house import BuilderHouse
from ..prjconf import ProjectConfig
from ..signers import Keyring
from .base import Item, PublishFailed, RepositoryFacts
from .generations import Generations, tree_path
from .manifest import Manifest
from .places import is_debug
from .repofile import one_line
from .selection import PoolRow, Scope, choose
from .trees import Outcome, TreeWriter

_FAILED = frozenset({JobState.FAILED, JobState.BROKEN, JobState.UNRESOLVABLE})
_ATTEMPTS = 3
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Subject:
    """One repository and what is known of it at the moment of publishing."""

    project: Project
    repository: Repository
    config: ProjectConfig
    metas: dict[str, PackageMeta]
    pools: dict[str, list[PoolRow]]
    held: frozenset[str]
    details: str


def generations(house: BuilderHouse) -> Generations:
    """The published trees of the house."""
    settings = house.settings
    root = settings.data_dir / "published"
    return Generations(root, keep=settings.keep_generations, clock=house.clock)


def published_url(house: BuilderHouse, project: str, repository: str) -> str:
    """Public address of a tree, ending with ``/``; empty when the house has none."""
    base = house.settings.download_url.rstrip("/")
    return f"{base}/{quote(tree_path(project, repository), safe='/:+~@,=')}/" if base else ""


def write_repository(
    house: BuilderHouse,
    trees: Generations,
    begun: Project,
    repository: str,
    config: ProjectConfig | None,
) -> tuple[list[Outcome], str, str]:
    """Choose and write; the caller holds the lock.

    Returns:
        What became of the tree and its companions, the repository's state, details to it.
    """
    subject = _read(house, begun, repository, config or ProjectConfig())
    current = trees.current(begun.name, repository)
    manifest = trees.manifest(current)
    scope = Scope(
        meta=subject.project.meta,
        repository=repository,
        config=subject.config,
        metas=subject.metas,
        locate=lambda job, filename: result_path(house.settings, job, filename),
        published=(current, manifest) if current and manifest else None,
        held=subject.held,
    )
    choice = choose(scope, subject.pools)
    for attempt in range(_ATTEMPTS):
        try:
            outcomes = _write_trees(house, trees, subject, choice.items, manifest)
            break
        except PublishFailed:
            # Most likely the key was replaced meanwhile: the next round uses the new one.
            if attempt == _ATTEMPTS - 1:
                raise
    state = "unpublished" if choice.switched_off else "published"
    return outcomes, "broken" if subject.details else state, subject.details


def _read(house: BuilderHouse, begun: Project, name: str, config: ProjectConfig) -> Subject:
    """Everything the choice depends on, as of one moment."""
    with house.records.read() as unit:
        project = unit.projects.by_id(begun.id)
        repository = project.meta.repository(name) or Repository(name)
        pools = {arch: unit.binaries.pool(project.id, name, arch) for arch in repository.arches}
        metas: dict[str, PackageMeta] = {}
        while page := unit.packages.page(project.id, len(metas), _PAGE, False):
            metas.update({package.name: package.meta for package in page})
        failed: dict[str, list[str]] = {}
        if config.flag("publish", "nofailedpackages") is not None:
            for target in unit.targets.of_project(project.id, name):
                if target.code in _FAILED:
                    failed.setdefault(target.arch, []).append(target.package)
    names = sorted({package for packages in failed.values() for package in packages})
    details = f"not publishing failed packages: {' '.join(names)}" if names else ""
    return Subject(project, repository, config, metas, pools, frozenset(failed), details)


def _write_trees(
    house: BuilderHouse,
    trees: Generations,
    subject: Subject,
    items: Sequence[Item],
    manifest: Manifest | None,
) -> list[Outcome]:
    """Write the tree, and a second one of debug packages where that is configured."""
    project, name, config = subject.project, subject.repository.name, subject.config
    writer = TreeWriter(trees, house.signer)
    debug = _debug_tree(subject)
    create_empty = config.flag("publish", "create_empty") is not None
    key = signing_key(house, project.name) if items or create_empty else None
    parts = {name: [item for item in items if not debug or not is_debug(item.filename)]}
    if debug:
        parts[debug] = [item for item in items if is_debug(item.filename)]
    outcomes = []
    for tree, part in parts.items():
        outcomes.append(
            writer.write(
                part,
                facts_of(house, project, tree, key),
                repotype=config.repotype,
                create_empty=create_empty and tree == name,
                companions=(debug,) if debug and tree == name else (),
            )
        )
    for former in manifest.companions if manifest else ():
        if former not in parts and project.meta.repository(former) is None:
            trees.remove(project.name, former)
    return outcomes


def _debug_tree(subject: Subject) -> str:
    """Name of the tree for debug packages (``Repotype: splitdebug:-suffix``), or nothing."""
    for word in subject.config.repotype:
        kind, _, suffix = word.partition(":")
        if kind == "splitdebug" and suffix:
            try:
                name = RepositoryName.parse(subject.repository.name + suffix)
            except InvalidName:
                return ""
            return "" if subject.project.meta.repository(name) else name
    return ""


def signing_key(house: BuilderHouse, project: str) -> SigningKey | None:
    """The key that signs for a project, made if necessary; None in a house that does not sign."""
    return Keyring(house.records, house.signer, clock=house.clock).for_signing(project)


def facts_of(
    house: BuilderHouse, project: Project, tree: str, key: SigningKey | None
) -> RepositoryFacts:
    """What the metadata of one tree of a project says about it."""
    return RepositoryFacts(
        project=project.name,
        repository=tree,
        title=one_line(project.meta.title) or project.name,
        url=published_url(house, project.name, tree),
        instance=house.settings.instance,
        key=key,
        made_at=int(house.clock()),
    )
