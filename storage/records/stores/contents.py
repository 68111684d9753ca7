"""Contents a package ever held, and what is known of large files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Executable, bindparam, func, literal, select

from ..shape import Shape
from ..tables.sources import contents, large_grants, large_objects
from ..transaction import Transaction, chunks
from .base import Store


@dataclass(frozen=True, slots=True)
class Content:
    """One content a package held under a file name.

    Attributes:
        size: Bytes of the real content, also for a large file.
        blob: Git blob id; of the pointer for a large file.
        large: Whether the content lies in the large file store, under ``sha256``.
        stored_at: When the package first held it, Unix seconds.
    """

    name: str
    md5: str
    sha256: str | None
    size: int
    blob: str
    large: bool
    stored_at: int


_SHAPE = Shape(Content, contents)
_FIND = select(*_SHAPE.columns).where(
    contents.c.package_id == bindparam("package_id"),
    contents.c.name == bindparam("name"),
    contents.c.md5 == bindparam("md5"),
)
_FIRST_STORED = (
    select(contents.c.blob, func.min(contents.c.stored_at))
    .where(
        contents.c.package_id == bindparam("package_id"),
        contents.c.blob.in_(bindparam("blobs", expanding=True)),
    )
    .group_by(contents.c.blob)
)
_LARGE = select(large_objects.c.md5, large_objects.c.size).where(
    large_objects.c.sha256 == bindparam("sha256")
)
_GRANTED = _LARGE.join(large_grants, large_grants.c.sha256 == large_objects.c.sha256).where(
    large_grants.c.package_id == bindparam("package_id")
)


class Contents(Store):
    """Answers "do you have this file already?" without asking git."""

    def put(
        self,
        package_id: int,
        name: str,
        md5: str,
        sha256: str | None,
        size: int,
        blob: str,
        large: bool,
        stored_at: int,
    ) -> None:
        """Note that a package holds a content; the time of the first note stays."""
        content = Content(name, md5, sha256, size, blob, large, stored_at)
        self.put_all(package_id, [content])

    def put_all(self, package_id: int, noted: Sequence[Content]) -> None:
        """``put`` for many."""
        if not noted:
            return
        rows = [_SHAPE.dump_whole(content) | {"package_id": package_id} for content in noted]
        self._tx.write(_upsert(self._tx), rows)
        for sha256 in dict.fromkeys(content.sha256 for content in noted if content.large):
            if sha256 is not None:
                self.grant_large(package_id, sha256)

    def find(self, package_id: int, name: str, md5: str) -> Content | None:
        """The content with that checksum the package held under that name, or None."""
        row = self._tx.first(_FIND, package_id=package_id, name=name, md5=md5)
        return None if row is None else _SHAPE.load(row)

    def first_stored(self, package_id: int, blobs: Sequence[str]) -> dict[str, int]:
        """When the package first held each of these blobs, Unix seconds; unknown ones lack."""
        found: dict[str, int] = {}
        for part in chunks(blobs):
            rows = self._tx.all(_FIRST_STORED, package_id=package_id, blobs=list(part))
            found.update((row[0], row[1]) for row in rows)
        return found

    def large_object(self, sha256: str) -> tuple[str, int] | None:
        """(md5, size in bytes) of a large file's content, or None."""
        row = self._tx.first(_LARGE, sha256=sha256)
        return None if row is None else (row[0], row[1])

    def put_large_object(self, sha256: str, md5: str, size: int) -> None:
        """Note md5 and size of a large file; git holds only its sha256."""
        self._tx.write(
            self._tx.insert(large_objects).on_conflict_do_nothing(),
            {"sha256": sha256, "md5": md5, "size": size},
        )

    def grant_large(self, package_id: int, sha256: str) -> None:
        """Let a package show a large file; harmless when repeated.

        Who can read the package can then fetch the file, so the caller has
        seen its content or has taken the right over from a package that has it.
        """
        self._tx.write(
            self._tx.insert(large_grants).on_conflict_do_nothing(),
            {"package_id": package_id, "sha256": sha256},
        )

    def grant_all_large(self, package_id: int, origin_id: int) -> None:
        """Let a package show every large file that another one shows (a branch does)."""
        rows = select(literal(package_id), large_grants.c.sha256).where(
            large_grants.c.package_id == origin_id
        )
        insert = self._tx.insert(large_grants).from_select(["package_id", "sha256"], rows)
        self._tx.write(insert.on_conflict_do_nothing())

    def granted_large(self, package_id: int, sha256: str) -> tuple[str, int] | None:
        """(md5, size in bytes) of a large file that the package may show, or None."""
        row = self._tx.first(_GRANTED, package_id=package_id, sha256=sha256)
        return None if row is None else (row[0], row[1])


def _upsert(tx: Transaction) -> Executable:
    """The statement of ``put_all``; putting it together takes longer than running it."""
    if tx.dialect not in _UPSERTS:
        insert = tx.insert(contents)
        where = {name: insert.excluded[name] for name in ("sha256", "size", "blob", "large")}
        _UPSERTS[tx.dialect] = insert.on_conflict_do_update(
            index_elements=["package_id", "name", "md5"], set_=where
        )
    return _UPSERTS[tx.dialect]


_UPSERTS: dict[str, Executable] = {}
