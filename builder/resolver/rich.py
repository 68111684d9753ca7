"""Boolean dependencies: ``(a or b)``, ``(a if b else c)``, ``(a with b)`` ...

A dependency becomes clauses over package names. A clause holds when one of its
``any_of`` is installed or one of its ``unless_all`` is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_WORDS = frozenset({"and", "or", "if", "unless", "else", "with", "without"})
_TOKEN = re.compile(r"\s*(\(|\)|[^\s()]+(?:\([^\s()]*\)[^\s()]*)*)")
_OPERATORS = frozenset({"<", "<=", "=", "==", ">=", ">"})
_MAX_DEPTH = 20
_MAX_CLAUSES = 500

Providers = Callable[[str], Sequence[str]]


class BadDependency(ValueError):
    """The text is no boolean dependency, or too large a one."""


@dataclass(frozen=True, slots=True)
class Clause:
    """``any_of`` keeps the order in which the names were provided."""

    any_of: tuple[str, ...]
    unless_all: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Node:
    word: str
    parts: tuple[_Node, ...] = ()
    name: str = ""


def is_rich(dependency: str) -> bool:
    """Whether the text is to be read as a boolean dependency."""
    return dependency.startswith("(") and dependency.endswith(")")


def clauses(dependency: str, providers: Providers, *, negated: bool = False) -> list[Clause]:
    """What has to hold for a boolean dependency; none = always true.

    A clause without any name can never hold.

    Args:
        dependency: Text with its parentheses.
        providers: Names of the packages that meet a simple dependency.
        negated: Ask for the opposite (a conflict).

    Raises:
        BadDependency: It cannot be parsed or grows too large.
    """
    tokens = _tokens(dependency)
    node, position = _parse(tokens, 0, 0)
    if position != len(tokens):
        raise BadDependency(dependency)
    return _simplified(_normal(node, providers, negated))


def _tokens(text: str) -> list[str]:
    found, position = list[str](), 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise BadDependency(text)
        found.append(match[1])
        position = match.end()
    return found


def _parse(tokens: list[str], position: int, depth: int) -> tuple[_Node, int]:
    """One operand: a parenthesised group, or ``name [op version]``."""
    if depth > _MAX_DEPTH or position >= len(tokens):
        raise BadDependency("unfinished")
    if tokens[position] != "(":
        return _simple(tokens, position)
    first, position = _parse(tokens, position + 1, depth + 1)
    if position < len(tokens) and tokens[position] == ")":
        return first, position + 1
    word = tokens[position] if position < len(tokens) else ""
    if word not in _WORDS - {"else"}:
        raise BadDependency(word)
    parts = [first]
    while position < len(tokens) and tokens[position] != ")":
        joint = tokens[position]
        allowed = word if len(parts) == 1 or word in ("and", "or", "with") else "else"
        if joint != allowed or (joint == "else" and (word not in ("if", "unless"))):
            raise BadDependency(joint)
        if len(parts) == 3 and joint == "else":
            raise BadDependency(joint)
        part, position = _parse(tokens, position + 1, depth + 1)
        parts.append(part)
    if position >= len(tokens):
        raise BadDependency("unfinished")
    return _Node(word, tuple(parts)), position + 1


def _simple(tokens: list[str], position: int) -> tuple[_Node, int]:
    name = tokens[position]
    if name == ")" or name in _WORDS:
        raise BadDependency(name)
    if tokens[position + 1 : position + 2] and tokens[position + 1] in _OPERATORS:
        if position + 2 >= len(tokens) or tokens[position + 2] in ("(", ")"):
            raise BadDependency(name)
        return _Node("", name=" ".join(tokens[position : position + 3])), position + 3
    return _Node("", name=name), position + 1


def _normal(node: _Node, providers: Providers, negated: bool) -> list[Clause]:
    """Conjunctive normal form of a node or of its opposite."""
    if node.word in ("", "with", "without"):
        names = _names(node, providers)
        if not negated:
            return [Clause(names)]
        return [Clause((), frozenset({name})) for name in names]
    meaning = _meaning(node)
    if meaning.word == "not":
        return _normal(meaning.parts[0], providers, not negated)
    parts = [_normal(part, providers, negated) for part in meaning.parts]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + part if (meaning.word == "and") != negated else _either(joined, part)
        if len(joined) > _MAX_CLAUSES:
            raise BadDependency("too many alternatives")
    return joined


def _meaning(node: _Node) -> _Node:
    """Conditions written with and, or and not."""
    if node.word not in ("if", "unless"):
        return node
    wanted, condition = node.parts[:2]
    absent = _Node("not", (condition,))
    if node.word == "if":
        held = _Node("or", (wanted, absent))
        other = _Node("or", (node.parts[2], condition)) if len(node.parts) == 3 else None
        return _Node("and", (held, other)) if other else held
    held = _Node("and", (wanted, absent))
    other = _Node("and", (node.parts[2], condition)) if len(node.parts) == 3 else None
    return _Node("or", (held, other)) if other else held


def _names(node: _Node, providers: Providers) -> tuple[str, ...]:
    """Packages that meet a simple dependency or an intersection of such."""
    if not node.word:
        return tuple(providers(node.name))
    if node.word not in ("with", "without"):
        raise BadDependency(node.word)
    first, *others = (_names(part, providers) for part in node.parts)
    for other in others:
        members = set(other)
        first = tuple(name for name in first if (name in members) == (node.word == "with"))
    return first


def _either(left: list[Clause], right: list[Clause]) -> list[Clause]:
    if len(left) * len(right) > _MAX_CLAUSES:
        raise BadDependency("too many alternatives")
    return [
        Clause(tuple(dict.fromkeys(a.any_of + b.any_of)), a.unless_all | b.unless_all)
        for a in left
        for b in right
    ]


def _simplified(found: list[Clause]) -> list[Clause]:
    """Drop clauses that always hold, and repetitions."""
    kept = (clause for clause in found if not clause.unless_all.intersection(clause.any_of))
    return list(dict.fromkeys(kept))
