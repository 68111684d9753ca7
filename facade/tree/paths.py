"""Addresses of published trees: ``home:/anna/standard/...`` or ``home:anna/standard/...``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storage.errors import InvalidName, NotFound
from storage.names import ProjectName, RepositoryName

_DEEPEST = 300
_LONGEST_BYTES = 255


@dataclass(frozen=True, slots=True)
class Address:
    """What a path below ``/repositories/`` names; later parts are None where it ends early.

    Attributes:
        above: Parts of the project's name so far, when the path ends inside it.
        rest: Path inside the tree, plain components.
    """

    above: tuple[str, ...] = ()
    project: ProjectName | None = None
    repository: RepositoryName | None = None
    rest: tuple[str, ...] = ()


def components(path: str) -> tuple[str, ...]:
    """Plain components of a path; doubled slashes and ``.`` (apt asks for ``./Release``) vanish.

    Raises:
        NotFound: One is hidden, leads elsewhere or cannot be a file name.
    """
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if len(parts) > _DEEPEST:
        raise NotFound("no such file or directory")
    for part in parts:
        if len(part.encode()) > _LONGEST_BYTES:
            raise NotFound("no such file or directory")
        if part.startswith(".") or "\0" in part or "\ufffd" in part or "\\" in part:
            raise NotFound("no such file or directory")
    return parts


def parse_address(path: str) -> Address:
    """Read a path.

    Raises:
        NotFound: No published file can have it.
    """
    parts = components(path)
    name, rest = _joined(parts)
    if not rest and (not name or name[-1].endswith(":")):
        return Address(above=name)
    try:
        project = ProjectName.parse("".join(name))
        repository, inside = _joined(rest)
        if not repository:
            return Address(project=project)
        parsed = RepositoryName.parse("".join(repository))
    except InvalidName as error:
        raise NotFound("no such file or directory") from error
    return Address(project=project, repository=parsed, rest=inside)


def _joined(parts: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Components up to the first one that does not end with a colon, and the rest."""
    for number, part in enumerate(parts):
        if not part.endswith(":"):
            return tuple(parts[: number + 1]), tuple(parts[number + 1 :])
    return tuple(parts), ()
