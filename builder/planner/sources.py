"""What there is to build: the newest sources of a package and what their recipe says."""

from __future__ import annotations

from dataclasses import dataclass, replace

from storage.errors import PackhouseError
from storage.model import Listing, Package, Revision
from storage.records import Unit

from ..house import BuilderHouse
from ..prjconf import ProjectConfig
from ..recipes import ParsedRecipe, choose, parse_recipe
from ..recipes.base import SIZE_LIMIT_BYTES
from .memory import Memory

_KEPT_RECIPES = 20_000
_KEPT_FILES = 200


@dataclass(frozen=True, slots=True)
class Sources:
    """The newest sources of a package.

    Attributes:
        error: Why they cannot be built, in OBS's words; empty = they can.
    """

    revision: Revision | None = None
    listing: Listing | None = None
    error: str = ""

    @property
    def id(self) -> str:
        """The source id of records; empty without sources."""
        return self.listing.srcmd5 if self.listing else ""


@dataclass(frozen=True, slots=True)
class RecipeFacts:
    """The recipe a package uses in a repository."""

    filename: str
    parsed: ParsedRecipe


def newest_sources(unit: Unit, package: Package) -> Sources:
    """The newest revision and its files, from the index alone."""
    revision = unit.revisions.latest(package.id)
    if revision is None:
        return Sources(error="no source uploaded")
    listing = unit.listings.get(revision.tree)
    if listing is None or not listing.entries:
        return Sources(revision, listing, "empty")
    if listing.find("_service_error") is not None:
        return Sources(revision, listing, "source service failed")
    return Sources(revision, listing)


class Recipes:
    """Parsed recipes; each is read once per tree, configuration and architecture."""

    def __init__(self, house: BuilderHouse) -> None:
        """Read from the storage of ``house``."""
        self._house = house
        self._parsed: Memory[tuple[str, ...], ParsedRecipe] = Memory(_KEPT_RECIPES)
        self._files: Memory[str, bytes] = Memory(_KEPT_FILES)

    def facts(
        self,
        package: Package,
        sources: Sources,
        config: ProjectConfig,
        repository: str,
        arch: str,
        *,
        others: bool,
    ) -> RecipeFacts | None:
        """The recipe of a package in a repository, None if it has none.

        Args:
            package: Whose sources.
            sources: With a listing.
            config: Combined configuration.
            repository: Name of the build repository.
            arch: Scheduler architecture.
            others: Whether a recipe of another kind than ``Type`` will do.
        """
        listing = sources.listing
        assert listing is not None
        names = {entry.name for entry in listing.entries}
        chosen = choose(names, package.name, repository, config.type, others=others)
        if chosen is None:
            return None
        recipe, filename = chosen
        macros = f"{config.rawmacros}\0{config.distmacros}\0{config.target}"
        key = (listing.tree, filename, package.name, arch, macros)

        def parse() -> ParsedRecipe:
            entry = listing.find(filename)
            assert entry is not None
            if entry.size > SIZE_LIMIT_BYTES:
                return ParsedRecipe(recipe.kind, error="recipe is too large")
            data = self._files.get(
                entry.sha256 or entry.blob, lambda: self._read(package, listing, filename)
            )
            return parse_recipe(recipe, data, config, arch, package=package.name)

        try:
            return RecipeFacts(filename, self._parsed.get(key, parse))
        except (PackhouseError, OSError) as error:
            text = f"could not get {filename}: {error}"
            return RecipeFacts(filename, ParsedRecipe(recipe.kind, error=text))

    def _read(self, package: Package, listing: Listing, filename: str) -> bytes:
        entry = listing.find(filename)
        assert entry is not None
        content = self._house.storage.package_by_id(package.id).open(entry)
        return b"".join(content.chunks())


def config_for(config: ProjectConfig, kind: str) -> ProjectConfig:
    """The configuration as a recipe kind sees it that the repository's ``Type`` is not."""
    if kind == config.type:
        return config
    return replace(config, type=kind, binarytype="deb" if kind == "dsc" else "rpm")
