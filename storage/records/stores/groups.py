"""Groups of people."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select, update

from ...errors import AlreadyExists, UnknownGroup
from ...model import Group
from ..tables.people import group_people, groups
from .base import PAGE, Store, starts_with

_BY_NAME = select(groups.c.id, groups.c.name, groups.c.email).where(
    groups.c.name == bindparam("name")
)
_PEOPLE = (
    select(group_people.c.part, group_people.c.login)
    .where(group_people.c.group_id == bindparam("group_id"))
    .order_by(group_people.c.position)
)
_OF_ACCOUNT = (
    select(groups.c.name)
    .distinct()
    .join(group_people, group_people.c.group_id == groups.c.id)
    .where(group_people.c.login == bindparam("login"))
    .order_by(groups.c.name)
)


class Groups(Store):
    """The groups; people are named by login and need not have an account."""

    def create(
        self,
        name: str,
        email: str = "",
        members: Sequence[str] = (),
        maintainers: Sequence[str] = (),
    ) -> Group:
        """Add a group.

        Raises:
            AlreadyExists: The name is taken.
        """
        found = self._tx.insert_new(groups, {"name": name, "email": email}, groups.c.id)
        if found is None:
            raise AlreadyExists(f"group '{name}' already exists", group=str(name))
        self._write_people(found, members, maintainers)
        return self.get(name)

    def get(self, name: str) -> Group:
        """The group of that name.

        Raises:
            UnknownGroup: There is none.
        """
        group = self.find(name)
        if group is None:
            raise UnknownGroup(f"unknown group '{name}'", group=str(name))
        return group

    def find(self, name: str) -> Group | None:
        """The group of that name, or None."""
        row = self._tx.first(_BY_NAME, name=name)
        if row is None:
            return None
        people = self._tx.all(_PEOPLE, group_id=row[0])
        return Group(
            row[0],
            row[1],
            row[2],
            members=tuple(login for part, login in people if part == "member"),
            maintainers=tuple(login for part, login in people if part == "maintainer"),
        )

    def list(
        self,
        prefix: str = "",
        login: str | None = None,
        limit: int = PAGE,
        after: str | None = None,
    ) -> list[str]:
        """Names in byte order.

        Args:
            prefix: Only names that start with it.
            login: Only groups of this person.
            limit: At most so many.
            after: Only names behind this one; for paging.
        """
        statement = select(groups.c.name).order_by(groups.c.name).limit(limit)
        if prefix:
            statement = statement.where(starts_with(groups.c.name, prefix))
        if after is not None:
            statement = statement.where(groups.c.name > after)
        if login is not None:
            mine = select(group_people.c.group_id).where(group_people.c.login == login)
            statement = statement.where(groups.c.id.in_(mine))
        return self._tx.values(statement)

    def put(self, group: Group) -> Group:
        """Replace a group's address and people.

        Raises:
            UnknownGroup: There is no group of that id.
        """
        changed = self._tx.write(
            update(groups).where(groups.c.id == group.id).values(name=group.name, email=group.email)
        )
        if not changed.rowcount:
            raise UnknownGroup(f"unknown group '{group.name}'", group=str(group.name))
        self._write_people(group.id, group.members, group.maintainers)
        return self.get(group.name)

    def of_account(self, login: str) -> Sequence[str]:
        """Names of the groups a person is in, as member or maintainer, sorted."""
        return self._tx.values(_OF_ACCOUNT, login=login)

    def delete(self, name: str) -> None:
        """Forget a group.

        Raises:
            UnknownGroup: There is none of that name.
        """
        group = self.get(name)
        self._write_people(group.id, (), ())
        self._tx.write(delete(groups).where(groups.c.id == group.id))

    def _write_people(
        self, group_id: int, members: Sequence[str], maintainers: Sequence[str]
    ) -> None:
        self._tx.write(delete(group_people).where(group_people.c.group_id == group_id))
        parts = {("member", login): None for login in members}
        parts |= {("maintainer", login): None for login in maintainers}
        rows = [
            {"group_id": group_id, "part": part, "login": login, "position": position}
            for position, (part, login) in enumerate(parts)
        ]
        if rows:
            self._tx.write(group_people.insert(), rows)
