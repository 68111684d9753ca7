"""Publishing the repositories of projects: choose, write aside, switch, record.

Safe to call at any time from any process: callers of one repository take
turns, equal contents are never published twice, and a process that died
anywhere is made good by the next call.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace

from storage.errors import PackhouseError
from storage.model import EventKind, Project, Publication

from .house import BuilderHouse
from .prjconf import ProjectConfig
from .publishers import Generation, Generations, Item, Manifest, PackageCache
from .publishers.places import place_of
from .publishers.subject import facts_of, generations, signing_key, write_repository
from .publishers.trees import TOP_FILES, Outcome, TreeWriter

logger = logging.getLogger(__name__)


def publish(
    house: BuilderHouse, project: str, repository: str, config: ProjectConfig | None = None
) -> Publication:
    """Bring the published tree of a repository up to date.

    Args:
        house: The builder's house.
        project: A project's name; a deleted project's trees are removed.
        repository: One of its repositories; a removed one's tree is removed.
        config: The repository's combined configuration (``PublishFilter``,
            ``PublishFlags``, ``Repotype``); None = nothing is configured.

    Returns:
        The state now recorded: ``published``, ``unpublished`` when publishing is
        switched off everywhere, ``broken`` with the reason when it failed.

    Raises:
        OSError: The disk refused; the repository stays marked as dirty.
    """
    trees = generations(house)
    with trees.lock(project, repository):
        begun = _begin(house, project, repository)
        if begun is None:
            _remove(house, trees, project, repository)
            return Publication(0, project, repository, "", state="unknown")
        try:
            outcomes, state, details = write_repository(house, trees, begun, repository, config)
        except PackhouseError as error:
            logger.error(
                "publish_failed",
                extra={"project": project, "repository": repository, "reason": str(error)},
            )
            return _record(house, begun, repository, state="broken", details=error.message)
        except BaseException:
            _record(house, begun, repository, state="finished", dirty=True)
            raise
        done = _finish(house, begun, repository, outcomes, state, details)
    PackageCache(trees.root).sweep_daily()
    return done


def withdraw(
    house: BuilderHouse,
    project: str,
    repository: str,
    *,
    packages: Collection[str] | None = None,
    arches: Collection[str] | None = None,
) -> Publication | None:
    """Take files out of a published tree at once; the next publish may bring them back.

    Args:
        house: The builder's house.
        project: Its project.
        repository: Whose tree.
        packages: Only what these packages made; None = all.
        arches: Only what was built for these architectures; None = all.

    Returns:
        The state now recorded, None when nothing was published.
    """
    trees = generations(house)
    with trees.lock(project, repository):
        with house.records.read() as unit:
            found = unit.projects.find(project)
        current = trees.current(project, repository)
        if found is None or current is None:
            return None
        manifest = trees.manifest(current)
        companions = manifest.companions if manifest else ()
        outcomes = []
        for name in (repository, *companions):
            generation = trees.current(project, name)
            if generation is not None:
                left = [
                    item
                    for item in _published_items(generation, trees.manifest(generation))
                    if (packages is not None and item.package not in packages)
                    or (arches is not None and item.arch not in arches)
                ]
                further = companions if name == repository else ()
                outcomes.append(_write_rest(house, found, name, generation, left, further))
                trees.forget_earlier(project, name)
        return _finish(house, found, repository, outcomes, "published", "")


def remove(house: BuilderHouse, project: str, repository: str) -> bool:
    """Remove the tree of a repository with all its generations.

    Returns:
        Whether there was one.
    """
    trees = generations(house)
    with trees.lock(project, repository):
        return _remove(house, trees, project, repository)


def remove_project(house: BuilderHouse, project: str) -> None:
    """Remove every tree of a project; its key stays until the name is used anew."""
    for repository in generations(house).repositories(project):
        remove(house, project, repository)


def recover(house: BuilderHouse) -> None:
    """Mark what a dead process left half published, so that it is published again.

    Call it once when the scheduler starts, before it looks for dirty repositories.
    """
    with house.records.begin() as unit:
        for publication in unit.publications.in_state("publishing"):
            unit.publications.put(replace(publication, state="finished", dirty=True))


# --- steps ---


def _begin(house: BuilderHouse, project: str, repository: str) -> Project | None:
    """Note that the repository is being published; None when it does not exist (any more)."""
    with house.records.begin() as unit:
        found = unit.projects.find(project)
        if found is None or found.meta.repository(repository) is None:
            return None
        known = unit.publications.get(found.id, repository)
        row = known or Publication(found.id, project, repository, "")
        now = int(house.clock())
        unit.publications.put(replace(row, state="publishing", dirty=False, updated_at=now))
    return found


def _write_rest(
    house: BuilderHouse,
    project: Project,
    name: str,
    generation: Generation,
    left: Sequence[Item],
    companions: Sequence[str],
) -> Outcome:
    """Publish a part of a generation in its place."""
    has_metadata = any(generation.path.joinpath(top).exists() for top in TOP_FILES)
    return TreeWriter(generations(house), house.signer).write(
        left,
        facts_of(house, project, name, signing_key(house, project.name)),
        repotype=() if has_metadata else ("none",),
        companions=companions,
    )


def _published_items(generation: Generation, manifest: Manifest | None) -> list[Item]:
    items = []
    for entry in manifest.entries if manifest else ():
        if place := place_of(entry.filename):
            items.append(entry.item(place[1], generation.path / entry.place))
    return items


def _finish(
    house: BuilderHouse,
    project: Project,
    repository: str,
    outcomes: Sequence[Outcome],
    state: str,
    details: str,
) -> Publication:
    """Record the new state and tell those who depend on it, in one transaction."""
    generation = outcomes[0].generation if outcomes else None
    left_out = sum(len(outcome.left_out) for outcome in outcomes)
    if left_out and not details:
        details = f"{left_out} files could not be read and are left out"
    return _record(
        house,
        project,
        repository,
        state=state,
        details=details,
        generation=generation.name if generation else "",
        fingerprint="-".join(o.generation.fingerprint for o in outcomes if o.generation),
    )


def _record(
    house: BuilderHouse,
    project: Project,
    repository: str,
    *,
    state: str,
    details: str = "",
    generation: str | None = None,
    fingerprint: str | None = None,
    dirty: bool = False,
) -> Publication:
    now = int(house.clock())
    with house.records.begin() as unit:
        known = unit.publications.get(project.id, repository)
        before = known or Publication(project.id, project.name, repository, "")
        after = replace(
            before,
            state=state,
            details=details,
            # Set again since this publish began: then it stays set.
            dirty=before.dirty or dirty,
            generation=before.generation if generation is None else generation,
            fingerprint=before.fingerprint if fingerprint is None else fingerprint,
            updated_at=now,
        )
        unit.publications.put(after)
        if after.fingerprint != before.fingerprint:
            payload = {"repository": repository, "generation": after.generation}
            unit.events.append(
                EventKind.DEPENDENCY_PUBLISHED, project.name, None, payload, created_at=now
            )
            logger.info("published", extra={"project": project.name, **payload})
    return after


def _remove(house: BuilderHouse, trees: Generations, project: str, repository: str) -> bool:
    manifest = trees.manifest(trees.current(project, repository))
    for companion in manifest.companions if manifest else ():
        trees.remove(project, companion)
    removed = trees.remove(project, repository)
    with house.records.begin() as unit:
        found = unit.projects.find(project)
        if found is not None:
            unit.publications.delete(found.id, repository, "")
    return removed
