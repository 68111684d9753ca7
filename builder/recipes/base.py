"""The seam between sources and the planner: what a recipe says, read without running it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from ..prjconf import ProjectConfig

SIZE_LIMIT_BYTES = 8 << 20
"""A larger recipe is not read."""


@dataclass(frozen=True, slots=True)
class ParsedRecipe:
    """What the planner needs to know of one recipe.

    Attributes:
        kind: ``spec`` or ``dsc``.
        name: Source name.
        version: Without epoch and Debian revision; empty if none can be told.
        release: The recipe's own release or Debian revision.
        buildrequires: Direct build requirements, ``name`` or ``name op version``.
        conflicts: What must not be in the root.
        ignores: What is dropped although something requires it.
        prereqs: What the built packages need before their installation.
        subpackages: Names of the binaries it will make, as far as the recipe tells.
        exclusive_arch: If not empty, only these architectures build it.
        exclude_arch: These never do.
        build_arches: ``BuildArch`` (``noarch``) or Debian's ``Architecture`` words.
        sources: File names or addresses of sources and patches, in order.
        needs_sandbox_parse: Part of it can only be told by running code.
        error: Why it could not be read; empty = it could.
    """

    kind: str
    name: str = ""
    epoch: str = ""
    version: str = ""
    release: str = ""
    buildrequires: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()
    prereqs: tuple[str, ...] = ()
    subpackages: tuple[str, ...] = ()
    exclusive_arch: tuple[str, ...] = ()
    exclude_arch: tuple[str, ...] = ()
    build_arches: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    needs_sandbox_parse: bool = False
    error: str = ""

    @property
    def dependencies(self) -> list[str]:
        """The words the resolver takes: ``x``, ``!x`` and ``-x``."""
        forbidden = [f"!{word}" for word in self.conflicts]
        dropped = [f"-{word}" for word in self.ignores]
        return [*self.buildrequires, *forbidden, *dropped]

    def excludes(self, arch: str) -> bool:
        """Whether the recipe does not want to be built for an architecture."""
        if self.exclusive_arch and not {arch, "noarch"} & set(self.exclusive_arch):
            return True
        return arch in self.exclude_arch


class Recipe(Protocol):
    """One kind of build description."""

    @property
    def kind(self) -> str:
        """Word of the ``Type`` directive."""
        ...

    def find(self, files: Collection[str], package: str, repository: str = "") -> str | None:
        """The recipe among a package's files, None if there is none or no single one."""
        ...

    def parse(
        self, text: str, config: ProjectConfig, arch: str, *, package: str = "", flavor: str = ""
    ) -> ParsedRecipe:
        """Read a recipe for one architecture; bounded, runs no code, never raises.

        Args:
            text: The file's text.
            config: Combined configuration of the repository.
            arch: Scheduler architecture.
            package: Value of ``@OBS_PACKAGE@``.
            flavor: Value of ``@BUILD_FLAVOR@``.
        """
        ...


def find_by_suffix(
    files: Collection[str], suffix: str, package: str, repository: str = ""
) -> str | None:
    """Choose a recipe by name: the exact ones first, then the only one that fits.

    Contract: build semantics, section 3.8.
    """
    for stem in (f"{package}-{repository}", package, package.partition(".")[0]):
        if stem and f"{stem}{suffix}" in files:
            return f"{stem}{suffix}"
    found = sorted(name for name in files if name.endswith(suffix))
    for start in ("", package, f"{package}-{repository}"):
        found = [name for name in found if name.lower().startswith(start.lower())]
        if len(found) == 1:
            return found[0]
    return None
