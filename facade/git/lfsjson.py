"""JSON in and out of the Git LFS API."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from flask import Request, Response

from storage.errors import InvalidContent, NotFound, TooLarge
from storage.model import JsonObject

from ..streaming import read_bounded

CONTENT_TYPE = "application/vnd.git-lfs+json"

_DOCUMENT_BYTES = 4 << 20
_MOST_OBJECTS = 10_000
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class LargeObject:
    """An object a client talks about.

    Attributes:
        sha256: Its id.
        size: Bytes.
    """

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """What a client wants to do with which objects."""

    operation: str
    objects: tuple[LargeObject, ...]


def read_json(request: Request) -> JsonObject:
    """The body as a JSON object; an empty body is an empty object.

    Raises:
        InvalidContent: It is no JSON object.
        TooLarge: It is longer than any client's.
    """
    raw = read_bounded(request, _DOCUMENT_BYTES)
    if not raw:
        return {}
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise InvalidContent("the body is not valid JSON") from None
    if not isinstance(document, dict):
        raise InvalidContent("the body is not a JSON object")
    return document


def read_batch(request: Request) -> BatchRequest:
    """The body of a batch request.

    Raises:
        InvalidContent: A field is missing or malformed, or the client wants
            another checksum or transfer than there is.
        TooLarge: Too many objects.
    """
    document = read_json(request)
    operation = document.get("operation")
    if operation not in ("upload", "download"):
        raise InvalidContent("'operation' must be 'upload' or 'download'")
    if "basic" not in (document.get("transfers") or ["basic"]):
        raise InvalidContent("only the 'basic' transfer is offered here")
    if document.get("hash_algo", "sha256") != "sha256":
        raise InvalidContent("only 'sha256' is known here")
    objects = document.get("objects")
    if not isinstance(objects, list):
        raise InvalidContent("'objects' must be a list of objects with 'oid' and 'size'")
    if len(objects) > _MOST_OBJECTS:
        raise TooLarge(f"more than {_MOST_OBJECTS} objects in one batch")
    return BatchRequest(operation, tuple(read_object(entry) for entry in objects))


def read_object(entry: object) -> LargeObject:
    """One ``{"oid": ..., "size": ...}``.

    Raises:
        InvalidContent: It is not of this form.
    """
    fields = entry if isinstance(entry, dict) else {}
    sha256, size = fields.get("oid"), fields.get("size")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise InvalidContent("'oid' must be a SHA-256 in 64 lower-case hex digits")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 1 << 63:
        raise InvalidContent("'size' must be a number of bytes")
    return LargeObject(sha256, size)


def check_sha256(text: str) -> str:
    """An object id from a path.

    Raises:
        NotFound: It is none, so there is nothing there.
    """
    if not _SHA256.fullmatch(text):
        raise NotFound("no such object")
    return text


def text_field(document: JsonObject, name: str, default: str = "") -> str:
    """An optional text field of a document.

    Raises:
        InvalidContent: It is no text.
    """
    value = document.get(name, default)
    if not isinstance(value, str):
        raise InvalidContent(f"'{name}' must be a text")
    return value


def answer(document: JsonObject, status: int = 200) -> Response:
    """A JSON answer of the LFS API."""
    return Response(json.dumps(document), status=status, content_type=CONTENT_TYPE)
