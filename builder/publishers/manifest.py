"""What a published generation was made of."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from storage.errors import Damaged

from .base import Item, Kind


@dataclass(frozen=True, slots=True)
class Entry:
    """One published file and the build result it comes from.

    Size and checksums are those of the build result, before a signature was added.

    Attributes:
        place: Path in the tree.
        filename: Name among the results of ``job_id``.
    """

    place: str
    package: str
    arch: str
    job_id: int
    filename: str
    size: int
    md5: str
    sha256: str
    mtime: int

    @classmethod
    def of(cls, item: Item) -> Entry:
        """The entry of one offered file."""
        return cls(*(getattr(item, name) for name in _FIELDS))

    def item(self, kind: Kind, path: Path) -> Item:
        """The offered file again; ``path`` is where its content is now."""
        return Item(kind=kind, path=path, **{name: getattr(self, name) for name in _FIELDS})

    def values(self) -> list[str | int]:
        """The fields in their order."""
        return [getattr(self, name) for name in _FIELDS]


_FIELDS = tuple(f.name for f in dataclasses.fields(Entry))


@dataclass(frozen=True, slots=True)
class Manifest:
    """Entries of one generation, sorted by place.

    Attributes:
        fingerprint: Checksum over everything the generation depends on, 32 hex digits.
        key: Fingerprint of the key it is signed with; empty = not signed.
        made_at: Unix seconds.
        companions: Names of further trees that belong to this one (debug packages).
    """

    project: str
    repository: str
    fingerprint: str
    key: str
    made_at: int
    entries: tuple[Entry, ...]
    companions: tuple[str, ...] = ()

    def find(self, place: str) -> Entry | None:
        """The entry of one path."""
        return next((entry for entry in self.entries if entry.place == place), None)

    def to_bytes(self) -> bytes:
        """JSON; entries as lists, for large repositories have many."""
        facts = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        facts["entries"] = [entry.values() for entry in self.entries]
        return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Load a manifest.

        Raises:
            FileNotFoundError: The generation is gone.
            Damaged: The file is not what was written.
        """
        try:
            facts = json.loads(path.read_bytes())
            entries = tuple(Entry(*values) for values in facts.pop("entries"))
            companions = tuple(facts.pop("companions"))
            return cls(entries=entries, companions=companions, **facts)
        except (ValueError, TypeError, KeyError) as error:
            raise Damaged(f"the manifest {path.name} cannot be read") from error
