"""``limit``, ``offset``, ``order`` and ``order_type`` of lists (Copr API contract, 1.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storage.errors import InvalidInput, TooLarge

UNPAGED_LIMIT = 10_000
"""Most items of an answer to a call without ``limit``."""

_NUMBER = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted.

    Attributes:
        limit: None for all, up to ``UNPAGED_LIMIT``.
        order: ``id`` or another column of the list.
    """

    limit: int | None = None
    offset: int = 0
    order: str = "id"
    descending: bool = False

    @property
    def most(self) -> int:
        """How many rows to read: one more than may be shown when nothing was said."""
        return UNPAGED_LIMIT + 1 if self.limit is None else self.limit

    def check(self, count: int) -> None:
        """Refuse a list that is too long to be given at once.

        Raises:
            TooLarge: More than ``UNPAGED_LIMIT`` items for a call without ``limit``.
        """
        if self.limit is None and count > UNPAGED_LIMIT:
            raise TooLarge(f"The list has more than {UNPAGED_LIMIT} items, please use pagination")


def read_page(query: Mapping[str, str], orders: Sequence[str] = ("id",)) -> Page:
    """Read the paging arguments of a query.

    Args:
        query: All arguments.
        orders: Columns the list can be ordered by.

    Raises:
        InvalidInput: A value is malformed or not offered.
    """
    problems: dict[str, list[str]] = {}
    limit = _number(query.get("limit"), "limit", problems)
    offset = _number(query.get("offset"), "offset", problems)
    order = query.get("order") or "id"
    order_type = query.get("order_type") or "ASC"
    if order_type not in ("ASC", "DESC"):
        problems["order_type"] = ["Not a valid choice."]
    if problems:
        raise InvalidInput(str(problems))
    if order not in orders:
        raise InvalidInput(f"Cannot order by {order[:50]}, choose from {', '.join(orders)}")
    return Page(limit, offset or 0, order, order_type == "DESC")


def _number(text: str | None, name: str, problems: dict[str, list[str]]) -> int | None:
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        problems[name] = ["Not a valid integer value."]
        return None
    if name == "offset":
        return int(text)
    return min(int(text), UNPAGED_LIMIT) or None  # 0 asks for everything, as nothing does
