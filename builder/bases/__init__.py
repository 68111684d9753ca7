"""Base roots: the distribution packages that projects build on."""

from importlib.resources import files

from .bases import Bases, BaseView
from .universe import Place, Universe

__all__ = ["BaseView", "Bases", "Place", "Universe", "default_config"]


def default_config() -> str:
    """The configuration a new base project starts with."""
    return files(__package__).joinpath("debian.conf").read_text()
