"""One call of the OBS API: who asks, for what, with which arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from flask import Request

from storage.errors import InvalidInput, MissingParameter
from storage.model import Package, Project
from storage.names import (
    Architecture,
    FileName,
    PackageName,
    ProjectName,
    RepositoryName,
    RevisionSpec,
)

from ..access import Action, Target, allowed, locate
from ..identity import Identity
from ..streaming import read_bounded
from .xml import Node, read

if TYPE_CHECKING:
    from storage.records import Unit

    from ..wiring import House

_FORM_BYTES = 64 * 1024
_LIST_LIMIT = 20_000


class Call:
    """What a handler gets.

    Attributes:
        house: The house.
        request: The request; handlers read ``request.stream`` and nothing else of its body.
        identity: The caller.
    """

    __slots__ = ("_arguments", "_path", "house", "identity", "request")

    def __init__(
        self, house: House, request: Request, identity: Identity, path: dict[str, str]
    ) -> None:
        """Keep the parts; arguments are parsed when they are first asked for."""
        self.house = house
        self.request = request
        self.identity = identity
        self._path = path
        self._arguments: dict[str, list[str]] | None = None

    # --- the path -------------------------------------------------------------

    @property
    def project(self) -> ProjectName:
        """The project of the path."""
        return ProjectName.parse(self._path["project"])

    @property
    def package(self) -> PackageName:
        """The package of the path."""
        return PackageName.parse(self._path["package"])

    @property
    def file(self) -> FileName:
        """The file of the path."""
        return FileName.parse(self._path["file"])

    @property
    def repository(self) -> RepositoryName:
        """The build repository of the path."""
        return RepositoryName.parse(self._path["repository"])

    @property
    def arch(self) -> Architecture:
        """The architecture of the path."""
        return Architecture.parse(self._path["arch"])

    def part(self, name: str) -> str:
        """Any other part of the path, unchecked."""
        return self._path[name]

    # --- arguments ------------------------------------------------------------

    @property
    def arguments(self) -> dict[str, list[str]]:
        """Query arguments; those of a form body stand in where the query has no ``cmd``."""
        if self._arguments is None:
            found = {name: values for name, values in self.request.args.lists()}
            if self.request.method == "POST" and "cmd" not in found:
                _merge_form(self.request, found)
            self._arguments = found
        return self._arguments

    def param(self, name: str, default: str = "") -> str:
        """The first value of an argument."""
        values = self.arguments.get(name)
        return values[0] if values else default

    def required(self, name: str) -> str:
        """The value of an argument.

        Raises:
            MissingParameter: It is absent or empty.
        """
        value = self.param(name)
        if not value:
            raise MissingParameter(f"parameter '{name}' is missing")
        return value

    def many(self, name: str) -> list[str]:
        """Every value, in both spellings ``name=`` and ``name[]=``."""
        values = self.arguments.get(name, []) + self.arguments.get(f"{name}[]", [])
        if len(values) > _LIST_LIMIT:
            raise InvalidInput(f"more than {_LIST_LIMIT} values of '{name}'")
        return values

    def has(self, name: str) -> bool:
        """Whether the key is there at all."""
        return name in self.arguments

    def flag(self, name: str) -> bool:
        """A boolean argument.

        Raises:
            InvalidInput: Neither 0 nor 1.
        """
        value = self.param(name)
        if value not in ("", "0", "1"):
            raise InvalidInput(f"parameter '{name}' is not boolean")
        return value == "1"

    def number(self, name: str, default: int | None = None) -> int | None:
        """A number, not negative.

        Raises:
            InvalidInput: Something else.
        """
        value = self.param(name)
        if not value:
            return default
        if re.fullmatch(r"[0-9]{1,9}", value) is None:
            raise InvalidInput(f"parameter '{name}' is not a number")
        return int(value)

    def revision(self, name: str = "rev") -> RevisionSpec:
        """A revision argument."""
        return RevisionSpec.parse(self.param(name))

    def only(self, known: Iterable[str]) -> None:
        """Refuse arguments that are not known (``/build`` does, ``/source`` does not).

        Raises:
            InvalidInput: There is another one.
        """
        for name in self.arguments:
            if name.removesuffix("[]") not in known:
                raise InvalidInput(f"unknown parameter '{name[:100]}'")

    @property
    def comment(self) -> str:
        """The commit message given by the client."""
        return self.param("comment")

    @property
    def operation(self) -> str | None:
        """The client's ``Idempotency-Key``, apart for each account; None without one.

        A writing call that comes again with its key answers what the first made.
        """
        key = self.request.headers.get("Idempotency-Key")
        return f"{self.identity.required().login}/{key}" if key else None

    # --- the body -------------------------------------------------------------

    def body(self, limit_bytes: int | None = None) -> bytes:
        """The whole body of a document; uploads are streamed instead."""
        return read_bounded(self.request, limit_bytes or self.house.settings.limits.document_bytes)

    def document(self, root: str) -> Node:
        """The body as XML."""
        return read(self.body(), root, limit_bytes=self.house.settings.limits.document_bytes)

    # --- permission -----------------------------------------------------------

    def records(self) -> AbstractContextManager[Unit]:
        """A reading unit."""
        return self.house.records.read()

    def check_project(self, action: Action) -> Target:
        """The project of the path, if the caller may do this with it."""
        with self.records() as unit:
            target = locate(unit, self.identity, self.project)
            allowed(self.identity, action, target)
        return target

    def check_package(self, action: Action) -> Target:
        """The package of the path, if the caller may do this with it."""
        with self.records() as unit:
            target = locate(unit, self.identity, self.project, self.package)
            allowed(self.identity, action, target)
        return target

    def the_project(self, action: Action) -> Project:
        """The row of ``check_project``."""
        return self.check_project(action).existing_project()

    def the_package(self, action: Action) -> Package:
        """The row of ``check_package``."""
        return self.check_package(action).existing_package()


def _merge_form(request: Request, found: dict[str, list[str]]) -> None:
    """Take arguments from a form body, unless it is a document in disguise."""
    if request.mimetype != "application/x-www-form-urlencoded" or not request.content_length:
        return
    body = read_bounded(request, _FORM_BYTES)
    if body.lstrip()[:1] == b"<":
        return
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=1000)
    except (UnicodeDecodeError, ValueError):
        raise InvalidInput("the form body cannot be read") from None
    for name, value in pairs:
        found.setdefault(name, []).append(value)
