"""Owners and projects of the Copr dialect, and the projects they stand for.

| Copr        | project            |
| ----------- | ------------------ |
| anna/tools  | home:anna:tools    |
| @qa/tools   | group:qa:tools     |
| Base/Tools  | Base:Tools         |

Side directories such as ``tools:custom:x`` are projects below their own. A
project whose name has more parts, or fewer, cannot be said in Copr and is
invisible there. Where both ``home:Base:Tools`` and ``Base:Tools`` exist, the
personal project has the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from storage.errors import InvalidName, UnknownProject
from storage.names import ProjectName

_NAME = re.compile(r"[\w.-]+")
_DIRECTORY = re.compile(r"custom:[\w.-]+|pr:[\w.-]*[0-9]+")
_PERSONAL, _GROUP = "home", "group"


@dataclass(frozen=True, slots=True)
class FullName:
    """``owner/name``; groups as owners start with ``@``.

    Attributes:
        directory: ``custom:x`` or ``pr:12`` for a side directory, else empty.
    """

    owner: str
    name: str
    directory: str = ""

    @classmethod
    def parse(cls, owner: str, dirname: str) -> FullName:
        """From an owner and a directory name like ``tools`` or ``tools:pr:12``."""
        name, _, directory = dirname.partition(":")
        return cls(owner, name, directory)

    def __str__(self) -> str:
        return f"{self.owner}/{self.dirname}"

    @property
    def dirname(self) -> str:
        """The name with the side directory, as results are addressed."""
        return f"{self.name}:{self.directory}" if self.directory else self.name

    @property
    def main(self) -> FullName:
        """The project itself, without a side directory."""
        return FullName(self.owner, self.name)

    @property
    def is_group(self) -> bool:
        """Whether a group owns it."""
        return self.owner.startswith("@")

    @property
    def owner_login(self) -> str:
        """The owning account's or group's own name."""
        return self.owner.removeprefix("@")

    def candidates(self) -> Iterator[ProjectName]:
        """The projects the name may mean, best first; none when it cannot be one."""
        if not is_project_name(self.name):
            return
        if self.directory and not _DIRECTORY.fullmatch(self.directory):
            return
        prefixes = [f"{_GROUP}:"] if self.is_group else [f"{_PERSONAL}:", ""]
        for prefix in prefixes:
            try:
                yield ProjectName.parse(f"{prefix}{self.owner_login}:{self.dirname}")
            except InvalidName:
                continue

    def new_project(self) -> ProjectName:
        """The project that is made under this name.

        Raises:
            UnknownProject: No project can have it.
        """
        for candidate in self.candidates():
            return candidate
        raise UnknownProject(f"Project {self} does not exist.")


def is_project_name(text: str) -> bool:
    """Whether Copr takes the text as the second half of a project's name."""
    return _NAME.fullmatch(text) is not None


def full_name(project: str) -> FullName | None:
    """How Copr says a project; None when it cannot."""
    above, _, last = project.rpartition(":")
    above, _, kind = above.rpartition(":")
    if above and _DIRECTORY.fullmatch(f"{kind}:{last}"):
        main = full_name(above)
        return main and FullName(main.owner, main.name, f"{kind}:{last}")
    parts = project.split(":")
    if len(parts) == 3 and parts[0] == _PERSONAL:
        said = FullName(parts[1], parts[2])
    elif len(parts) == 3 and parts[0] == _GROUP:
        said = FullName(f"@{parts[1]}", parts[2])
    elif len(parts) == 2 and parts[0] not in (_PERSONAL, _GROUP):
        said = FullName(parts[0], parts[1])
    else:
        return None
    return said if is_project_name(said.name) and "/" not in said.owner else None


def prefixes_of(owner: str) -> tuple[str, ...]:
    """Prefixes of the names of an owner's projects."""
    if owner.startswith("@"):
        return (f"{_GROUP}:{owner[1:]}:",)
    if owner in (_PERSONAL, _GROUP):
        return (f"{_PERSONAL}:{owner}:",)
    return (f"{_PERSONAL}:{owner}:", f"{owner}:")
