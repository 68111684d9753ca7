"""What a document may contain, as data, and the check against it.

The wording of refusals follows the OBS backend (``unknown element: x``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from storage.errors import InvalidContent

from .xml import Node

ANY: frozenset[str] = frozenset()
"""Every value is fine."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of element.

    Attributes:
        required: Attributes that must be there, with their values (``ANY`` = free).
        optional: Attributes that may be there.
        children: Elements that may be inside.
        single: Those of them that may occur once only.
        present: Those of them that must occur.
        text: None = no text, ``ANY`` = free text, else the values it may have.
    """

    required: Mapping[str, frozenset[str]] = field(default_factory=dict)
    optional: Mapping[str, frozenset[str]] = field(default_factory=dict)
    children: Mapping[str, Shape] = field(default_factory=dict)
    single: frozenset[str] = frozenset()
    present: tuple[str, ...] = ()
    text: frozenset[str] | None = None


TEXT = Shape(text=ANY)
"""An element with free text and nothing else."""

EMPTY = Shape()
"""An element with nothing in it."""


def check(node: Node, shape: Shape) -> None:
    """Return if the element and everything below it has the shape.

    Raises:
        InvalidContent: Names the first thing that does not fit.
    """
    _check_attributes(node, shape)
    seen: set[str] = set()
    for child in node.children:
        below = shape.children.get(child.tag)
        if below is None:
            raise InvalidContent(f"unknown element: {child.tag[:80]}", hint=_where(node))
        if child.tag in shape.single and child.tag in seen:
            raise InvalidContent(f"element '{child.tag}' must be singleton", hint=_where(node))
        seen.add(child.tag)
        check(child, below)
    for tag in shape.present:
        if tag not in seen:
            raise InvalidContent(f"element '{tag}' is missing", hint=_where(node))
    _check_text(node, shape)


def _check_attributes(node: Node, shape: Shape) -> None:
    for name, value in node.attrs.items():
        values = shape.required.get(name, shape.optional.get(name))
        if values is None:
            raise InvalidContent(f"unknown attribute: {name[:80]}", hint=_where(node))
        if values and value not in values:
            raise InvalidContent(
                f"attribute '{name}' cannot be '{value[:80]}'", hint=_choices(values)
            )
    for name in shape.required:
        if name not in node.attrs:
            raise InvalidContent(f"attribute '{name}' is missing", hint=_where(node))


def _check_text(node: Node, shape: Shape) -> None:
    if shape.text is None:
        if node.text.strip():
            raise InvalidContent(f"element '{node.tag}' cannot hold text")
    elif shape.text and node.text.strip() not in shape.text:
        raise InvalidContent(
            f"element '{node.tag}' cannot be '{node.text.strip()[:80]}'",
            hint=_choices(shape.text),
        )


def _where(node: Node) -> str:
    return f"in element '{node.tag[:80]}'"


def _choices(values: frozenset[str]) -> str:
    return "one of " + ", ".join(sorted(values))
