"""One call of the Copr API: who asks, for what, with which arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from flask import Request

from storage.errors import MissingParameter
from storage.git.staging import StagedFile

from ..identity import Identity
from .forms import Form, read_form
from .urls import Urls

if TYPE_CHECKING:
    from storage.records import Unit

    from ..wiring import House


class Call:
    """What a handler gets.

    Attributes:
        house: The house.
        request: The request.
        identity: The caller.
        path: Parts of the path by name.
        urls: Makes addresses.
    """

    __slots__ = ("_form", "house", "identity", "path", "request", "urls")

    def __init__(
        self, house: House, request: Request, identity: Identity, path: Mapping[str, str]
    ) -> None:
        """Keep the parts; the body is read when a handler first asks for it."""
        self.house = house
        self.request = request
        self.identity = identity
        self.path = path
        self.urls = Urls(house.settings.url)
        self._form: Form | None = None

    def argument(self, name: str) -> str:
        """A part of the path, or else an argument of the query.

        Raises:
            MissingParameter: It is neither there nor there.
        """
        value = self.path.get(name) or self.request.args.get(name)
        if not value:
            raise MissingParameter(f"Missing argument {name}")
        return value

    def option(self, name: str) -> str | None:
        """An optional argument of the query."""
        return self.request.args.get(name)

    def flag(self, name: str) -> bool:
        """An optional truth value of the query, as clients write it."""
        return (self.option(name) or "").lower() in ("true", "1", "on")

    def field(self, name: str) -> str:
        """A field of the body that must be there.

        Raises:
            MissingParameter: It is not.
        """
        value = self.form().text(name)
        if not value:
            raise MissingParameter(f"Missing argument {name}")
        return value

    def form(self, *, files: bool = False) -> Form:
        """The body; read once.

        Args:
            files: Whether file parts are welcome; they are staged on the data file system.
        """
        if self._form is None:
            self._form = read_form(
                self.request,
                self.house.settings.limits.document_bytes,
                self._stage if files else None,
            )
        return self._form

    def close(self) -> None:
        """Let go of uploaded files nobody took."""
        if self._form is not None:
            self._form.close()

    def records(self) -> AbstractContextManager[Unit]:
        """A reading unit."""
        return self.house.records.read()

    @property
    def now(self) -> int:
        """Unix seconds."""
        return int(self.house.clock())

    def _stage(self, name: str, chunks: Iterator[bytes]) -> StagedFile:
        limit = self.house.settings.limits.file_bytes
        return self.house.storage.stage(chunks, limit_bytes=limit)
