"""Which recipe kinds there are, and which one a package uses in a repository."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from operator import attrgetter

from storage.model import Entry, Listing

from ..prjconf import ProjectConfig, parse_config
from .base import SIZE_LIMIT_BYTES, ParsedRecipe, Recipe
from .dsc import DscRecipe
from .spec import SpecRecipe

_log = logging.getLogger(__name__)

RECIPES: dict[str, Recipe] = {"spec": SpecRecipe(), "dsc": DscRecipe()}
"""Implementations by the word of the ``Type`` directive."""

UNKNOWN_VERSION = "unknown"


def choose(
    files: Collection[str],
    package: str,
    repository: str,
    kind: str,
    *,
    others: bool = False,
) -> tuple[Recipe, str] | None:
    """The recipe of a package in a repository, None if it has none.

    Args:
        files: Names in the source tree.
        package: Name of the package, without flavour.
        repository: Name of the build repository.
        kind: ``Type`` of the repository.
        others: Whether a recipe of another kind will do: on a distribution base that
            can build both, a package that only has the other kind uses that.
    """
    kinds = [kind, *(k for k in RECIPES if k != kind and others)]
    for word in kinds:
        recipe = RECIPES.get(word)
        if recipe is not None and (found := recipe.find(files, package, repository)):
            return recipe, found
    return None


def parse_recipe(
    recipe: Recipe,
    data: bytes,
    config: ProjectConfig,
    arch: str,
    *,
    package: str = "",
    flavor: str = "",
) -> ParsedRecipe:
    """Read a recipe's bytes; whatever is in them, there is an answer."""
    if len(data) > SIZE_LIMIT_BYTES:
        return ParsedRecipe(recipe.kind, error="recipe is too large")
    text = data.decode(errors="replace")
    try:
        return recipe.parse(text, config, arch, package=package, flavor=flavor)
    except (ValueError, LookupError, RecursionError, TypeError, AttributeError):
        _log.exception("recipe reader failed", extra={"package": package, "kind": recipe.kind})
        return ParsedRecipe(recipe.kind, error=f"can not parse {package}.{recipe.kind}")


_PLAIN_CONFIG = parse_config("", "x86_64")


def version_of(listing: Listing, read: Callable[[Entry], bytes]) -> str:
    """The version a source tree's recipe names, for its revision; never raises.

    Args:
        listing: The tree; with several recipes of a kind the first by name counts.
        read: Gives the content of one file.

    Returns:
        The version without epoch and Debian revision, ``unknown`` if none can be told.
    """
    # One look over all names: this is asked for every revision of a long history.
    names = "\0".join([*map(attrgetter("name"), listing.entries), ""])
    for suffix, recipe in ((".spec", RECIPES["spec"]), (".dsc", RECIPES["dsc"])):
        if f"{suffix}\0" not in names:
            continue
        entry = next((e for e in listing.entries if e.name.endswith(suffix)), None)
        if entry is None or entry.size > SIZE_LIMIT_BYTES:
            continue
        try:
            data = read(entry)
        except Exception:  # the commit matters more than its version
            _log.exception("recipe cannot be read", extra={"file": entry.name})
            return UNKNOWN_VERSION
        parsed = parse_recipe(recipe, data, _PLAIN_CONFIG, "x86_64")
        return parsed.version or UNKNOWN_VERSION
    return UNKNOWN_VERSION
