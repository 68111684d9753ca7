"""The list syntax of spec files: ``a >= 1, b (c if d) e [x86_64]``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_OPERATOR = re.compile(r"\s*(<=|>=|==|=|<|>)\s*([^\s,<>=]+)")
_LIMIT = re.compile(r"\s*\[([^\]]*)\]")
_NAME = re.compile(r"[^\s,<>=\[]+")
_SEPARATOR = re.compile(r"[\s,]+")


def split_dependencies(text: str, known: Collection[str]) -> list[str]:
    """Split a list; dependencies limited to something not ``known`` are left out.

    Args:
        text: Comma or blank separated dependencies.
        known: The architecture and the project a ``[...]`` limit may name.
    """
    return [dependency for dependency, limit in _split(text) if _applies(limit, known)]


def _split(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        if match := _SEPARATOR.match(text, position):
            position = match.end()
            continue
        if text[position] == "(":
            end = _balanced(text, position)
            dependency = text[position:end]
        elif match := _NAME.match(text, position):
            dependency, end = match[0], match.end()
            if condition := _OPERATOR.match(text, end):
                dependency += f" {condition[1]} {condition[2]}"
                end = condition.end()
        else:
            position += 1
            continue
        limit = _LIMIT.match(text, end)
        yield dependency, limit[1] if limit else ""
        position = limit.end() if limit else end


def _balanced(text: str, start: int) -> int:
    """End of a parenthesised dependency; the rest of the text if it is not closed."""
    depth = 0
    for position in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return position + 1
    return len(text)


def _applies(limit: str, known: Collection[str]) -> bool:
    words = _SEPARATOR.split(limit.strip()) if limit.strip() else []
    excluded = [word[1:] for word in words if word.startswith("!")]
    wanted = [word for word in words if word and not word.startswith("!")]
    if any(word in known for word in excluded):
        return False
    return not wanted or any(word in known for word in wanted)
