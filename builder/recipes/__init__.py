"""Recipes: what a package's sources say about its build, read without running them."""

from .base import ParsedRecipe, Recipe
from .dsc import debian_arch, scheduler_arches
from .registry import RECIPES, choose, parse_recipe, version_of

__all__ = [
    "RECIPES",
    "ParsedRecipe",
    "Recipe",
    "choose",
    "debian_arch",
    "parse_recipe",
    "scheduler_arches",
    "version_of",
]
