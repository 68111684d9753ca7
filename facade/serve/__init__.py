"""``packhouse serve``: one command that keeps the processes of a house running."""

from .house import ROLES, serve

__all__ = ["ROLES", "serve"]
