"""The command ``packhouse``: verb first, an example in every help text."""

from .main import main

__all__ = ["main"]
