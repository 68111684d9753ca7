"""The ``revision`` and ``revisionlist`` documents (OBS API contract, sections 7.9 and 7.10)."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response

from storage.model import Revision

from .status import answer
from .xml import Element


def revision(made: Revision) -> Response:
    """One new revision; the comment and request id are always there, if empty."""
    return answer(_element(made, full=True))


def tree(rev: str, srcmd5: str) -> Response:
    """A changed tree that is no revision (``rev`` is ``upload`` or ``repository``)."""
    return answer(Element("revision", {"rev": rev}, [Element("srcmd5", text=srcmd5)]))


def history(found: Iterable[Revision]) -> Response:
    """Revisions, oldest first."""
    return answer(Element("revisionlist", {}, [_element(made, full=False) for made in found]))


def _element(made: Revision, *, full: bool) -> Element:
    is_source = made.kind == "source"
    children = [
        Element("srcmd5", text=made.srcmd5),
        Element("version", text=made.version if is_source else ""),
        Element("time", text=str(made.time)),
        Element("user", text=made.user or "unknown"),
    ]
    if made.comment or full:
        children.append(Element("comment", text=made.comment))
    if made.request_id or full:
        children.append(Element("requestid", text=made.request_id or ""))
    attrs = {
        "rev": made.number,
        "vrev": made.vrev if is_source else "",
    }
    return Element("revision", attrs, children)
