"""What the check of a push found out about main, to be relied on under the lock.

Only ``PushCheck`` makes one, after every rule held. It speaks of objects, which
never change, and names the two tips it holds between; whoever moves main between
just these needs not look at the objects again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Package
from .commits import Commit
from .largefiles import Pointer
from .listings import Fact
from .rows import Rows


@dataclass(frozen=True, slots=True)
class Examined:
    """A line of commits that may become revisions.

    Attributes:
        package_id: The package whose rules they were held to.
        old: Tip of main they continue, None for the first push.
        new: The newest of them.
        commits: Newest first.
        rows: Their trees, by id.
        facts: What is known about pushed blobs.
        pointers: Pointers to large files in their trees; what the package may
            point at is asked again under the lock.
    """

    package_id: int
    old: str | None
    new: str
    commits: tuple[Commit, ...]
    rows: Mapping[str, Rows]
    facts: Mapping[str, Fact]
    pointers: frozenset[Pointer]

    def covers(self, package: Package, old: str | None, new: str | None) -> bool:
        """Whether this is about such a move of main, from where revisions of the package count."""
        return (self.package_id, self.old, self.new) == (package.id, old, new) and (
            old is not None or package.base is None
        )
