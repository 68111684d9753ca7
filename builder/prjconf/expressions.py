"""The expression language of ``%if`` lines and ``%[...]``.

Lowest to highest: ``a ? b : c``; ``&&`` and ``||`` on one level, left to right;
comparisons; ``+ -``; ``* /``; unary ``! -``; parentheses. Literals are integers,
``"text"``, ``v"1.10"`` and, in the old style, bare words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..versions import compare_evr

_TOKEN = re.compile(
    r"\s*(?:(?P<int>[0-9]+)|(?P<version>v\"[^\"]*\")|(?P<text>\"[^\"]*\")"
    r"|(?P<word>[a-zA-Z_][a-zA-Z0-9_.]*)|(?P<op>&&|\|\||==|!=|<=|>=|[-<>+*/!()?:]))"
)
_MAX_DEPTH = 50
_MAX_TOKENS = 10_000
_MAX_INTEGER = 2**63 - 1
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})


class ExpressionError(ValueError):
    """The text is no expression, or mixes types."""


@dataclass(frozen=True, slots=True)
class Version:
    """A ``v"..."`` literal; compared by rpm's rules."""

    text: str


Value = int | str | Version


def evaluate(text: str) -> Value:
    """The value of an expression.

    Raises:
        ExpressionError: Syntax error, mixed types, division by zero, or too deep.
    """
    parser = _Parser(_tokens(text))
    value = parser.ternary(live=True)
    if parser.peek():
        raise ExpressionError("syntax error in expression")
    return value


def is_true(value: Value) -> bool:
    """Truth of a value: 0, the empty text and any version are false."""
    if isinstance(value, Version):
        return False
    return bool(value)


def render(value: Value) -> str:
    """The text a value becomes inside a line."""
    return value.text if isinstance(value, Version) else str(value)


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position, text = 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None or len(found) >= _MAX_TOKENS:
            raise ExpressionError("syntax error in expression")
        found.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found


class _Parser:
    """Recursive descent; ``live`` is false in a branch whose value is not used."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def peek(self) -> str:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else ""

    def _operator(self, *words: str) -> str:
        if self._next < len(self._tokens) and self._tokens[self._next][0] == "op":
            word = self._tokens[self._next][1]
            if word in words:
                self._next += 1
                return word
        return ""

    def ternary(self, live: bool) -> Value:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ExpressionError("expression nested too deeply")
        condition = self._logical(live)
        if self._operator("?"):
            truth = is_true(condition)
            first = self.ternary(live and truth)
            if not self._operator(":"):
                raise ExpressionError("syntax error in expression")
            second = self.ternary(live and not truth)
            condition = first if truth else second
        self._depth -= 1
        return condition

    def _logical(self, live: bool) -> Value:
        value = self._comparison(live)
        while word := self._operator("&&", "||"):
            decided = is_true(value) == (word == "||")
            other = self._comparison(live and not decided)
            value = value if decided else other
        return value

    def _comparison(self, live: bool) -> Value:
        value = self._sum(live)
        while word := self._operator(*_COMPARISONS):
            other = self._sum(live)
            value = int(_compare(word, value, other)) if live else 0
        return value

    def _sum(self, live: bool) -> Value:
        value = self._product(live)
        while word := self._operator("+", "-"):
            other = self._product(live)
            value = _add(word, value, other) if live else 0
        return value

    def _product(self, live: bool) -> Value:
        value = self._unary(live)
        while word := self._operator("*", "/"):
            other = self._unary(live)
            value = _multiply(word, value, other) if live else 0
        return value

    def _unary(self, live: bool) -> Value:
        signs: list[str] = []
        while sign := self._operator("!", "-"):
            signs.append(sign)
        value = self._primary(live)
        for sign in reversed(signs):
            value = int(not is_true(value)) if sign == "!" else -_integer(value)
        return value

    def _primary(self, live: bool) -> Value:
        if self._next >= len(self._tokens):
            raise ExpressionError("syntax error in expression")
        kind, word = self._tokens[self._next]
        self._next += 1
        if kind == "int":
            return _literal(word)
        if kind == "text":
            return word[1:-1]
        if kind == "version":
            return Version(word[2:-1])
        if kind == "word":
            if self.peek() == "(":
                raise ExpressionError("unsupported function in expression")
            return word
        if word == "(":
            value = self.ternary(live)
            if self._operator(")"):
                return value
        raise ExpressionError("syntax error in expression")


def _literal(digits: str) -> int:
    digits = digits.lstrip("0") or "0"
    if len(digits) > len(str(_MAX_INTEGER)):
        raise ExpressionError("number too large in expression")
    return _bounded(int(digits))


def _bounded(value: int) -> int:
    if abs(value) > _MAX_INTEGER:
        raise ExpressionError("number too large in expression")
    return value


def _integer(value: Value) -> int:
    if isinstance(value, int):
        return value
    raise ExpressionError("types must match in expression")


def _as_number(value: Value) -> int:
    if isinstance(value, int):
        return value
    digits = re.match(r"[0-9]*", render(value))
    return _literal(digits[0]) if digits else 0


def _compare(word: str, left: Value, right: Value) -> bool:
    if isinstance(left, int):
        order = _sign(left, _as_number(right))
    elif isinstance(left, Version):
        order = compare_evr(left.text, render(right))
    else:
        order = _sign(left.encode(errors="replace"), render(right).encode(errors="replace"))
    return {
        "==": order == 0,
        "!=": order != 0,
        "<": order < 0,
        "<=": order <= 0,
        ">": order > 0,
        ">=": order >= 0,
    }[word]


def _sign(left: int | bytes, right: int | bytes) -> int:
    return (left > right) - (left < right)  # type: ignore[operator]


def _add(word: str, left: Value, right: Value) -> Value:
    if word == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    sign = 1 if word == "+" else -1
    return _bounded(_integer(left) + sign * _integer(right))


def _multiply(word: str, left: Value, right: Value) -> Value:
    one, two = _integer(left), _integer(right)
    if word == "*":
        return _bounded(one * two)
    if two == 0:
        raise ExpressionError("division by zero")
    return one // two
