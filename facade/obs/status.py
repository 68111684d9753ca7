"""The OBS status document (OBS API contract, section 1.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flask import Response

from .xml import Element, write

if TYPE_CHECKING:
    from ..errors import Problem

XML = "text/xml; charset=utf-8"


def ok(data: Mapping[str, str] | None = None, *, code: str = "ok") -> Response:
    """``<status code="ok">`` with optional ``data`` elements.

    Args:
        data: Only names osc knows: sourceproject, sourcepackage, targetproject,
            targetpackage, token, id.
        code: ``ok`` or ``invoked``.
    """
    children = [Element("summary", text="Ok")]
    children += [Element("data", {"name": name}, text=text) for name, text in (data or {}).items()]
    return answer(Element("status", {"code": code}, children))


def answer(root: Element) -> Response:
    """Any document as an answer."""
    return Response(write(root), content_type=XML)


def obs_xml(problem: Problem) -> Response:
    """A problem as a status document; osc prints the summary."""
    children = [Element("summary", text=problem.message)]
    if problem.hint:
        children.append(Element("details", text=problem.hint))
    return answer(Element("status", {"code": problem.code}, children))
