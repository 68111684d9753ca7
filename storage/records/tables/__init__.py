"""The mapped tables; private to the records."""

from __future__ import annotations

from . import building, people, sources
from .base import Base

metadata = Base.metadata

__all__ = ["building", "metadata", "people", "sources"]
