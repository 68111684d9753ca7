"""What every store is made of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_

from ..transaction import Transaction

PAGE = 1000
"""Rows of a listing when the caller names no limit."""

BIGGEST_ID = (1 << 63) - 1


class Store:
    """Questions and changes about one noun, inside one transaction."""

    __slots__ = ("_tx",)

    def __init__(self, transaction: Transaction) -> None:
        self._tx = transaction


def is_id(number: int) -> bool:
    """Whether a number from outside can be a key at all; drivers choke on larger ones."""
    return 0 < number <= BIGGEST_ID


def starts_with(column: ColumnElement[Any], prefix: str) -> ColumnElement[bool]:
    """Names with a prefix, as a range an index can serve."""
    return and_(column >= prefix, column < prefix + "\U0010ffff")
