"""Signing keys: the public halves."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select

from ...model import SigningKey
from ..shape import Shape
from ..tables.building import signing_keys
from .base import Store

_SHAPE = Shape(SigningKey, signing_keys)
_ONE = select(*_SHAPE.columns).where(signing_keys.c.project == bindparam("project"))


class Keys(Store):
    """One key per project name."""

    def get(self, project: str) -> SigningKey | None:
        """The project's own key, or None."""
        row = self._tx.first(_ONE, project=project)
        return None if row is None else _SHAPE.load(row)

    def put(self, key: SigningKey) -> None:
        """Keep a key in place of the earlier one."""
        insert = self._tx.insert(signing_keys)
        values = _SHAPE.dump_whole(key)
        changed = {name: insert.excluded[name] for name in values if name != "project"}
        self._tx.write(
            insert.on_conflict_do_update(index_elements=["project"], set_=changed), values
        )

    def delete(self, project: str) -> None:
        """Forget a key."""
        self._tx.write(delete(signing_keys).where(signing_keys.c.project == project))
