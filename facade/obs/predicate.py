"""The predicate language of ``/search`` (OBS API contract, section 12).

Not XPath on documents: comparisons over a fixed list of keys, joined by ``and``,
``or`` and ``not``. A predicate is parsed into a tree and tried on plain facts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.errors import InvalidInput

Facts = Mapping[str, Any]
"""Attributes as ``@name``, elements as their tag; values are lists of texts or of facts."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'[^']*'|"[^"]*")|(?P<word>@?[A-Za-z_*][A-Za-z0-9_/@.:-]*)"""
    r"""|(?P<sign><=|>=|!=|[=<>()\[\],*]))"""
)
_LENGTH_LIMIT = 64 * 1024
_DEPTH_LIMIT = 40
_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda a, b: b.lower() in a.lower(),
    "starts-with": lambda a, b: a.startswith(b),
    "ends-with": lambda a, b: a.endswith(b),
}


@dataclass(frozen=True, slots=True)
class Test:
    """A key compared with a text; without an operator, whether it is there."""

    key: str
    operator: str = ""
    text: str = ""

    def holds(self, facts: Facts) -> bool:
        """Whether any value of the key passes."""
        if self.key == "*":
            return True
        found = list(_values(facts, self.key.split("/")))
        if not self.operator:
            return bool(found)
        compare = _COMPARE.get(self.operator) or _FUNCTIONS[self.operator]
        return any(compare(value, self.text) for value in found if isinstance(value, str))


@dataclass(frozen=True, slots=True)
class Inside:
    """A predicate that one and the same element below the facts must pass."""

    key: str
    inner: Predicate

    def holds(self, facts: Facts) -> bool:
        """Whether some element passes."""
        found = _values(facts, self.key.split("/"))
        return any(self.inner.holds(part) for part in found if not isinstance(part, str))


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    inner: Predicate

    def holds(self, facts: Facts) -> bool:
        """Whether the inner one does not hold."""
        return not self.inner.holds(facts)


@dataclass(frozen=True, slots=True)
class All:
    """``and``."""

    parts: Sequence[Predicate]

    def holds(self, facts: Facts) -> bool:
        """Whether every part holds."""
        return all(part.holds(facts) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Some:
    """``or``."""

    parts: Sequence[Predicate]

    def holds(self, facts: Facts) -> bool:
        """Whether some part holds."""
        return any(part.holds(facts) for part in self.parts)


Predicate = Test | Inside | Not | All | Some


def parse(text: str, keys: Collection[str]) -> Predicate:
    """Read a predicate.

    Args:
        text: As sent; brackets around the whole are dropped.
        keys: Every key that may be asked for.

    Raises:
        InvalidInput: It is no predicate, or names another key.
    """
    if len(text) > _LENGTH_LIMIT:
        raise _illegal("it is too long")
    return _Parser(list(_tokens(text)), frozenset(keys)).whole()


def pinned(predicate: Predicate, key: str) -> str | None:
    """The one value a key must have for the predicate to hold, if that is plain to see."""
    if isinstance(predicate, Test) and predicate.key == key and predicate.operator == "=":
        return predicate.text
    if isinstance(predicate, All):
        return next((v for p in predicate.parts if (v := pinned(p, key)) is not None), None)
    return None


class _Parser:
    def __init__(self, tokens: list[str], keys: frozenset[str]) -> None:
        self._tokens = tokens
        self._keys = keys
        self._at = 0
        self._depth = 0

    def whole(self) -> Predicate:
        predicate = self._any("")
        if self._at < len(self._tokens):
            raise _illegal(f"unexpected '{self._tokens[self._at][:40]}'")
        return predicate

    def _any(self, prefix: str) -> Predicate:
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise _illegal("it is nested too deeply")
        parts = [self._all(prefix)]
        while self._take("or"):
            parts.append(self._all(prefix))
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def _all(self, prefix: str) -> Predicate:
        parts = [self._one(prefix)]
        while self._take("and"):
            parts.append(self._one(prefix))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, prefix: str) -> Predicate:
        for opening, closing in (("(", ")"), ("[", "]")):
            if self._take(opening):
                inner = self._any(prefix)
                self._need(closing)
                return inner
        word = self._next()
        if word in ("not", "boolean") and self._take("("):
            inner = self._any(prefix)
            self._need(")")
            return Not(inner) if word == "not" else inner
        if word in _FUNCTIONS and self._take("("):
            key = self._key(prefix, self._next())
            self._need(",")
            text = self._text()
            self._need(")")
            return Test(key, word, text)
        return self._comparison(prefix, word)

    def _comparison(self, prefix: str, word: str) -> Predicate:
        if word == "*":
            return Test("*")
        if self._take("["):
            inner = self._any(f"{prefix}{word}/")
            self._need("]")
            return Inside(word, inner)
        key = self._key(prefix, word)
        if self._peek() in _COMPARE:
            return Test(key, self._next(), self._text())
        return Test(key)

    def _key(self, prefix: str, word: str) -> str:
        full = prefix + word
        if full not in self._keys and not any(k.startswith(full + "/") for k in self._keys):
            raise _illegal(f"unknown key '{full[:80]}'")
        return word

    def _text(self) -> str:
        token = self._next()
        if token[0] not in "'\"":
            raise _illegal(f"a quoted text is wanted instead of '{token[:40]}'")
        return token[1:-1]

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise _illegal("it ends too early")
        self._at += 1
        return token

    def _take(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._at += 1
        return True

    def _need(self, token: str) -> None:
        if not self._take(token):
            raise _illegal(f"'{token}' is missing before '{self._peek()[:40]}'")


def _tokens(text: str) -> Iterator[str]:
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise _illegal(f"cannot read '{text[position : position + 40].strip()}'")
        yield match.group().strip()
        position = match.end()


def _values(facts: Facts, path: list[str]) -> Iterator[Any]:
    for value in facts.get(path[0], ()):
        if len(path) == 1:
            yield value
        elif not isinstance(value, str):
            yield from _values(value, path[1:])


def _illegal(reason: str) -> InvalidInput:
    return InvalidInput(f"illegal predicate: {reason}", code="illegal_xpath_error")
