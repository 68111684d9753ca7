"""``/repositories/...``: what package managers read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, request

from storage.errors import NotFound

from ..identity import authenticate
from .paths import Address, parse_address
from .serving import Line, directory_page, list_directory, send_path
from .trees import Trees

if TYPE_CHECKING:
    from ..wiring import House

ROOT = "/repositories"


def tree(house: House) -> Blueprint:
    """The door to published repositories; readable without login where the house allows it."""
    door = Blueprint("repositories", __name__)

    def show(path: str = "") -> Response:
        identity = authenticate(request)
        g.login = identity.login
        return answer(Trees(house, identity), parse_address(path))

    door.add_url_rule(ROOT, "root", show, methods=["GET"])
    for number, rule in enumerate((f"{ROOT}/", f"{ROOT}/<path:path>", f"{ROOT}//<path:path>")):
        door.add_url_rule(rule, f"path-{number}", show, methods=["GET"])
    return door


def answer(trees: Trees, address: Address) -> Response:
    """A file, or the page of a directory."""
    if address.project is None:
        return _projects_page(trees, "".join(address.above))
    project = trees.project(address.project, address.repository)
    if address.repository is None:
        repositories = trees.repositories(project)
        if not repositories:
            raise NotFound("no such file or directory")
        lines = [Line(name, True) for name in repositories]
        return directory_page(request, str(project.name), lines)
    found = trees.find(project, address.repository, address.rest)
    if found.is_directory:
        title = "/".join((project.name, address.repository, *address.rest))
        return directory_page(request, title, list_directory(found.path))
    return send_path(request, found.path, fixed=found.is_fixed)


def _projects_page(trees: Trees, above: str) -> Response:
    names = trees.projects(above)
    if above and not names:
        raise NotFound("no such file or directory")
    lines = set()
    for name in names:
        head, colon, _ = name[len(above) :].partition(":")
        lines.add(head + colon)
    return directory_page(request, above or "repositories", [Line(n, True) for n in sorted(lines)])
