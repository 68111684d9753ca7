"""The search path of a repository and the configuration along it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from storage.errors import PackhouseError
from storage.flags import project_flag
from storage.model import PathEntry, Project
from storage.names import PROJECT_CONTAINER
from storage.records import Unit

from ..bases import default_config
from ..house import BuilderHouse
from ..prjconf import Layer, ProjectConfig, combined, parse_config
from .memory import Memory

_CONFIG_LIMIT_BYTES = 1 << 20
_KEPT_TEXTS = 500
_KEPT_CONFIGS = 200
_LONGEST = 100
_FROM = "### from "
_AT_LINE = re.compile(r"line (\d+): (.*)")


@dataclass(frozen=True, slots=True)
class PathElement:
    """One repository of a search path; ``project`` is None for a base without a row."""

    name: str
    repository: str
    project: Project | None


@dataclass(frozen=True, slots=True)
class SearchPath:
    """A search path, the own repository first.

    Attributes:
        unavailable: ``project/repository`` of elements that cannot be read.
    """

    elements: tuple[PathElement, ...]
    unavailable: tuple[str, ...] = ()


def search_path(house: BuilderHouse, unit: Unit, project: Project, repository: str) -> SearchPath:
    """Own repository, then the path elements; only the last one is followed further.

    Contract: build semantics, section 3.1. Duplicates keep their first place.
    """
    found = {(project.name, repository): PathElement(project.name, repository, project)}
    unavailable: list[str] = []
    own = project.meta.repository(repository)
    entries = list(own.paths) if own else []
    while entries and len(found) < _LONGEST:
        last = entries[-1]
        for entry in entries:
            if (entry.project, entry.repository) in found:
                continue
            element = _element(house, unit, project, entry)
            if element is None:
                unavailable.append(f"{entry.project}/{entry.repository}")
            else:
                found[entry.project, entry.repository] = element
        entries = _following(found.get((last.project, last.repository)), found)
    return SearchPath(tuple(found.values()), tuple(unavailable))


def _following(
    element: PathElement | None, found: dict[tuple[str, str], PathElement]
) -> list[PathEntry]:
    if element is None or element.project is None:
        return []
    repository = element.project.meta.repository(element.repository)
    entries = list(repository.paths) if repository else []
    # A last element that was met before ends the walk: everything behind it is there already.
    return entries if any((e.project, e.repository) not in found for e in entries) else []


def _element(
    house: BuilderHouse, unit: Unit, asking: Project, entry: PathEntry
) -> PathElement | None:
    project = unit.projects.find(entry.project)
    is_base = house.bases.offers(entry.project, entry.repository)
    if project is None:
        return PathElement(entry.project, entry.repository, None) if is_base else None
    if project.meta.repository(entry.repository) is None and not is_base:
        return None
    if not project_flag(project.meta, "access") and not _related(asking.name, project.name):
        return None
    return PathElement(project.name, entry.repository, project)


def _related(one: str, other: str) -> bool:
    """A hidden project serves itself, the projects above and those below it."""
    return one == other or one.startswith(f"{other}:") or other.startswith(f"{one}:")


class Configs:
    """Combined configurations, read again only when one of their texts changed."""

    def __init__(self, house: BuilderHouse) -> None:
        """Keep what was read for ``house``."""
        self._house = house
        self._texts: Memory[str, str] = Memory(_KEPT_TEXTS)
        self._parsed: Memory[tuple[str, str], ProjectConfig] = Memory(_KEPT_CONFIGS)

    def text(self, unit: Unit, project: Project, path: SearchPath) -> str:
        """What ``_buildconfig`` serves for the first element of a path."""
        layers = [
            Layer(element.name, element.repository, self._layer(unit, element))
            for element in path.elements
        ]
        settings = self._house.settings
        return combined(
            project.name,
            path.elements[0].repository,
            layers,
            instance=settings.instance,
            vendor=_vendor(unit, project.name),
            download_url=settings.download_url,
        )

    def config(self, text: str, arch: str) -> ProjectConfig:
        """The meaning of a combined text."""
        return self._parsed.get((text, arch), lambda: parse_config(text, arch))

    def _layer(self, unit: Unit, element: PathElement) -> str:
        text = self._own_text(unit, element.project) if element.project else ""
        if not text and self._house.bases.offers(element.name, element.repository):
            return default_config()
        return text

    def _own_text(self, unit: Unit, project: Project) -> str:
        container = unit.packages.find(project.name, PROJECT_CONTAINER)
        revision = unit.revisions.latest(container.id) if container else None
        listing = unit.listings.get(revision.tree) if revision else None
        entry = listing.find("_config") if listing else None
        if container is None or entry is None:
            return ""
        key = entry.sha256 or entry.blob

        def read() -> str:
            content = self._house.storage.package_by_id(container.id).open(entry)
            data = b"".join(content.chunks(0, min(content.size, _CONFIG_LIMIT_BYTES)))
            return data.decode(errors="replace")

        try:
            return self._texts.get(key, read)
        except (PackhouseError, OSError):
            return ""


def located(text: str, error: str) -> str:
    """A parse error with the line counted in the project's own text, and that project's name.

    Args:
        text: The combined configuration.
        error: ``line N: what`` as the parser says it of the whole.
    """
    match = _AT_LINE.match(error)
    if match is None:
        return error
    number = int(match[1])
    lines = text.split("\n")[:number]
    for start in range(len(lines) - 1, -1, -1):
        if lines[start].startswith(_FROM):
            # The heading and the definition of the repository come before the text.
            own = max(number - start - 2, 1)
            return f"line {own}: {match[2]} ({lines[start].removeprefix(_FROM)})"
    return error


def _vendor(unit: Unit, project: str) -> str:
    """The nearest project upwards with a signing key, else the project itself."""
    parts = project.split(":")
    for length in range(len(parts), 0, -1):
        name = ":".join(parts[:length])
        if unit.keys.get(name) is not None:
            return name
    return project
