"""How each kind of recipe is built inside a root."""

from .base import Maker, Making, maker_for

__all__ = ["Maker", "Making", "maker_for"]
