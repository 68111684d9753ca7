"""Request bodies of the Copr dialect: JSON, URL-encoded or multipart, made alike.

Contract (Copr API contract, section 1.2): a JSON null is absent; a JSON list is
joined with single spaces, but for the fields that stay lists; numbers and
booleans come as such or as text; in a multipart body the fields are inside the
file part ``json`` and every other part is a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO
from urllib.parse import parse_qsl

from flask import Request

from storage.errors import InvalidContent, InvalidInput, TooLarge
from storage.git.staging import StagedFile

from ..streaming import read_bounded
from .multipart import Part, parts

_LISTS = frozenset({"chroots", "exclude_chroots", "python_versions", "additional_modules"})
_RAW_LISTS = frozenset({"builds"})
_MAX_FIELDS = 1000
_FALSE = frozenset({"", "false", "False", "0", "off"})

Value = str | bool | int | float | list[str] | Mapping[str, object]


class NotJson(InvalidInput):
    """A call that takes JSON came with no body, or another one."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart body, with the name its sender gave it."""

    filename: str
    staged: StagedFile


@dataclass(slots=True)
class Form:
    """The fields and files of one request."""

    values: dict[str, Value] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Remove the files."""
        self._stack.close()

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str) -> str | None:
        """A field as text; None when absent."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, list):
            return " ".join(value)
        return str(value) if not isinstance(value, Mapping) else json.dumps(value)

    def words(self, name: str) -> list[str] | None:
        """A field as a list of words; None when absent."""
        value = self.values.get(name)
        if isinstance(value, list):
            return value
        text = self.text(name)
        return None if text is None else text.split()

    def boolean(self, name: str, default: bool = False) -> bool:
        """A field as a truth value; ``default`` when absent."""
        value = self.values.get(name)
        if value is None:
            return default
        return self.text(name) not in _FALSE

    def table(self, name: str) -> Mapping[str, object]:
        """A field that is a JSON object; empty when it is something else."""
        value = self.values.get(name)
        return value if isinstance(value, Mapping) else {}


def read_form(
    request: Request,
    limit_bytes: int,
    stage: Callable[[str, Iterator[bytes]], StagedFile] | None = None,
) -> Form:
    """Read the body of a request, whatever shape it has.

    Args:
        request: The request; its stream is used up.
        limit_bytes: Of everything but file parts.
        stage: Keeps the content of a file part and returns a context manager;
            None refuses file parts.

    Raises:
        InvalidContent: The body is malformed.
        TooLarge: It is over the limit.
    """
    if request.mimetype == "multipart/form-data":
        boundary = request.mimetype_params.get("boundary", "")
        return _from_parts(request.stream, boundary, limit_bytes, stage)
    body = read_bounded(request, limit_bytes)
    if request.mimetype == "application/x-www-form-urlencoded":
        return Form(_from_pairs(body))
    if request.is_json or body.strip().startswith(b"{"):
        return Form(from_json(body))
    return Form()


def from_json(body: bytes) -> dict[str, Value]:
    """The fields of a JSON object.

    Raises:
        InvalidContent: Not JSON, or not an object.
    """
    try:
        parsed = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise InvalidContent("the request body is not JSON") from None
    if not isinstance(parsed, dict):
        raise InvalidContent("the request body is not a JSON object")
    if len(parsed) > _MAX_FIELDS:
        raise TooLarge("the request body has too many fields")
    return {name: _plain(name, value) for name, value in parsed.items() if value is not None}


def _plain(name: str, value: object) -> Value:
    if isinstance(value, str | bool | int | float | Mapping):
        return value
    assert isinstance(value, list)  # nothing else comes out of a JSON parser
    words = [item if isinstance(item, str) else json.dumps(item) for item in value]
    return words if name in _LISTS or name in _RAW_LISTS else " ".join(words)


def _from_pairs(body: bytes) -> dict[str, Value]:
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict"
        )
    except (UnicodeDecodeError, ValueError):
        raise InvalidContent("the request body is not URL-encoded text") from None
    values: dict[str, Value] = {}
    for name, text in pairs:
        if name not in _LISTS and name not in _RAW_LISTS:
            values.setdefault(name, text)
            continue
        known = values.setdefault(name, [])
        assert isinstance(known, list)
        known.append(text)
    return values


def _from_parts(
    stream: IO[bytes],
    boundary: str,
    limit_bytes: int,
    stage: Callable[[str, Iterator[bytes]], StagedFile] | None,
) -> Form:
    form = Form()
    with ExitStack() as stack:
        for part in parts(stream, boundary):
            if part.name == "json" and part.filename is not None:
                form.values.update(from_json(part.read(limit_bytes)))
            elif part.filename is None:
                form.values[part.name] = _decoded(part, limit_bytes)
            elif stage is None or part.name in form.files:
                raise InvalidContent(f"file part '{part.name[:50]}' is not wanted here")
            else:
                staged = stack.enter_context(stage(part.name, part.chunks))
                form.files[part.name] = Upload(part.filename, staged)
        form._stack = stack.pop_all()
    return form


def _decoded(part: Part, limit_bytes: int) -> str:
    try:
        return part.read(limit_bytes).decode()
    except UnicodeDecodeError:
        raise InvalidContent(f"part '{part.name[:50]}' is not UTF-8 text") from None


def require_json(request: Request, form: Form) -> None:
    """Refuse a call that must carry fields and has none.

    Raises:
        NotJson: Neither JSON nor a form came.
    """
    if not form.values and request.mimetype not in (
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ):
        raise NotJson(
            "Did not attempt to load JSON data because the request Content-Type"
            " was not 'application/json'."
        )


def as_integers(values: Sequence[str]) -> list[int]:
    """Texts as numbers.

    Raises:
        InvalidInput: One of them is not a number.
    """
    numbers: list[int] = []
    for value in values:
        if not value.isdecimal() or len(value) > 18:
            raise InvalidInput(f"'{value[:40]}' is not a number")
        numbers.append(int(value))
    return numbers
