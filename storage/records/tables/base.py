"""Column types and the base class of every table."""

from __future__ import annotations

import re
from typing import Annotated, Any, cast

from sqlalchemy import BigInteger, Dialect, Integer, MetaData, Table, Text
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

BIG = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits everywhere; SQLite wants the word INTEGER for a key it counts itself."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class PlainText(TypeDecorator[str]):
    """Text in byte order, able to hold whatever a client sends.

    PostgreSQL refuses NUL and no driver encodes lone surrogates: both become
    U+FFFD on the way in, so that odd bytes in a comment are no server error.

    Args:
        limit: Cut after that many characters, in rows and in questions alike:
            PostgreSQL refuses to index more than about 2700 bytes.
    """

    impl = Text
    cache_ok = True

    def __init__(self, limit: int | None = None) -> None:
        super().__init__()
        self.limit = limit

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Compare by code point on PostgreSQL, as SQLite always does."""
        collation = "C" if dialect.name == "postgresql" else None
        return Text(collation=collation)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Return exact, encodable ``str``: names and enums are subclasses drivers treat apart."""
        if value is None:
            return None
        text = str(value)[: self.limit]
        if text.isascii() and "\0" not in text:
            return text
        return _UNSTORABLE.sub("\ufffd", text)


class Base(DeclarativeBase):
    """Base of the mapped tables; carries their one ``MetaData``."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {int: BIG, str: PlainText()}  # noqa: RUF012


Counted = Annotated[int, mapped_column(BIG, primary_key=True, autoincrement=True)]
"""A key the database gives out; with ``NEVER_REUSED`` no number comes twice."""

Key = Annotated[int, mapped_column(BIG, primary_key=True, autoincrement=False)]
TextKey = Annotated[str, mapped_column(PlainText(limit=255), primary_key=True)]
Short = Annotated[str, mapped_column(PlainText(limit=255))]
"""Text of an index whose length nobody else limits."""

NEVER_REUSED = {"sqlite_autoincrement": True}


def table(row: type[Base]) -> Table:
    """The Core table of a mapped class; queries are written against it."""
    return cast(Table, row.__table__)
