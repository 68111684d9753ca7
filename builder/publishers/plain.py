"""Files that need no metadata: tarballs of sources, images, change logs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .base import Item, Kind, LeftOut, RepositoryFacts
from .files import link_or_copy


class PlainPublisher:
    """Places files and writes nothing about them."""

    def __init__(self, kinds: frozenset[Kind] = frozenset({Kind.FILE})) -> None:
        """Take the given kinds; packages too, where a repository wants no metadata."""
        self._kinds = kinds

    @property
    def kinds(self) -> frozenset[Kind]:
        """Kinds of files this publisher places in the tree."""
        return self._kinds

    def write(
        self,
        tree: Path,
        items: Sequence[Item],
        facts: RepositoryFacts,
        previous: Path | None = None,
    ) -> list[LeftOut]:
        """Link the files; see ``Publisher``."""
        left_out = []
        for item in items:
            if item.kind in self._kinds:
                target = tree / item.place
                target.parent.mkdir(exist_ok=True, parents=True)
                try:
                    link_or_copy(item.path, target)
                except FileNotFoundError:
                    left_out.append(LeftOut(item, "the build result is gone"))
        return left_out
