"""One-click installation files (build semantics, section 6.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flask import Response

from builder.publishers.subject import generations, published_url
from storage.errors import UnknownFile
from storage.model import JsonObject, Project
from storage.names import ProjectName

from ..access import is_visible, locate
from ..obs.call import Call
from ..obs.xml import Element, write

if TYPE_CHECKING:
    from storage.records import Unit

_NAMESPACE = "http://opensuse.org/Standards/One_Click_Install"
_LONGEST_PATH = 50


def metapackage(call: Call, project: Project, header: JsonObject) -> Response:
    """The document that installs one package from its repository and those below it.

    Args:
        call: Names the repository.
        project: The project of the path.
        header: What the package says of itself.

    Raises:
        UnknownFile: The file is no package.
    """
    if not header.get("name"):
        raise UnknownFile("only packages can be installed")
    with call.records() as unit:
        sources = list(_repositories(call, unit, project))
    last = len(sources) - 1
    repositories = [
        Element(
            "repository",
            {"recommended": "true" if number < last or last == 0 else "false"},
            [
                Element("name", text=source.name),
                Element("summary", text=source.meta.title),
                Element("description", text=source.meta.description),
                Element("url", text=url),
            ],
        )
        for number, (source, url) in enumerate(sources)
    ]
    software = Element(
        "item",
        {},
        [
            Element(tag, text=str(header.get(tag) or ""))
            for tag in ("name", "summary", "description")
        ],
    )
    group = [
        Element("repositories", {}, repositories),
        Element("software", {}, [software]),
    ]
    root = Element(
        "metapackage",
        {"xmlns": _NAMESPACE, "xmlns:os": _NAMESPACE},
        [Element("group", {}, group)],
    )
    return Response(write(root), content_type="text/x-suse-ymp")


def _repositories(call: Call, unit: Unit, project: Project) -> Iterator[tuple[Project, str]]:
    """The search path with its public addresses; what has none is left out."""
    trees = generations(call.house.builder)
    for element, repository in _search_path(call, unit, project):
        url = published_url(call.house.builder, element.name, repository)
        if url and trees.current(element.name, repository) is not None:
            yield element, url


def _search_path(call: Call, unit: Unit, project: Project) -> Iterator[tuple[Project, str]]:
    """Own repository first; only the last element of a path is followed further."""
    seen: set[tuple[str, str]] = set()
    element = (project, str(call.repository))
    while len(seen) < _LONGEST_PATH:
        further = _path_of(call, unit, *element)
        for found in (element, *further[:-1]):
            if (found[0].name, found[1]) not in seen:
                seen.add((found[0].name, found[1]))
                yield found
        if not further or (further[-1][0].name, further[-1][1]) in seen:
            return
        element = further[-1]


def _path_of(
    call: Call, unit: Unit, project: Project, repository: str
) -> list[tuple[Project, str]]:
    found = project.meta.repository(repository)
    elements = []
    for path in found.paths if found else ():
        target = locate(unit, call.identity, ProjectName(path.project))
        if target.project is not None and is_visible(call.identity, target):
            elements.append((target.project, path.repository))
    return elements
