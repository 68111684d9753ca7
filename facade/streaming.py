"""Bodies in both directions without holding them in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from flask import Request, Response
from werkzeug.wsgi import wrap_file

from storage.errors import InvalidInput, TooLarge

CHUNK_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_CONTENT_TYPES = {
    ".rpm": "application/x-rpm",
    ".deb": "application/vnd.debian.binary-package",
    ".log": "text/plain; charset=utf-8",
}


class Readable(Protocol):
    """Content of known size that can be read from any position."""

    @property
    def size(self) -> int:
        """Bytes."""

    def chunks(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start`` on, at most ``length`` of them."""


class FileContent:
    """A regular file as ``Readable``; its size is that of the moment it was looked at."""

    def __init__(self, path: Path) -> None:
        """Look at the file.

        Raises:
            FileNotFoundError: There is none.
        """
        self.path = path
        self._size = path.stat().st_size

    @property
    def size(self) -> int:
        """Bytes."""
        return self._size

    def chunks(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Read from ``start``; a file that became shorter ends early."""
        left = self._size - start if length is None else length
        with self.path.open("rb") as file:
            file.seek(start)
            while left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
                left -= len(chunk)
                yield chunk


def drain(request: Request, limit_bytes: int) -> bool:
    """Read and drop what is left of the body.

    osc repeats an upload after a 401; the connection is only usable again when
    the first body was taken from it.

    Returns:
        Whether the body is now wholly read; False if it was over the limit or broke off.
    """
    read = 0
    try:
        while chunk := request.stream.read(CHUNK_BYTES):
            read += len(chunk)
            if read > limit_bytes:
                return False
    except Exception:
        # Whatever breaks here, the connection is what is lost, not the answer.
        return False
    return True


def read_bounded(request: Request, limit_bytes: int) -> bytes:
    """The whole body, for documents that are parsed in memory.

    Raises:
        TooLarge: The body has more than ``limit_bytes`` bytes.
    """
    announced = request.content_length
    if announced is not None and announced > limit_bytes:
        raise TooLarge(f"the document is larger than {limit_bytes} bytes")
    body = bytearray()
    while chunk := request.stream.read(min(CHUNK_BYTES, limit_bytes + 1 - len(body))):
        body += chunk
        if len(body) > limit_bytes:
            raise TooLarge(f"the document is larger than {limit_bytes} bytes")
    return bytes(body)


def send(
    request: Request,
    content: Readable,
    *,
    content_type: str = "application/octet-stream",
    etag: str = "",
) -> Response:
    """Answer with content, or the one range of it that was asked for.

    Args:
        request: Its ``Range`` and ``If-None-Match`` are honoured.
        content: What is sent.
        content_type: As it stands in the header.
        etag: Strong validator without quotes; empty gives none and no conditional answers.
    """
    if etag and etag in request.if_none_match:
        response = Response(status=304)
        response.set_etag(etag)
        return response
    span = _span(request, content.size, etag)
    start, length = span or (0, content.size)
    response = _body(request, content, start, length)
    response.content_type = content_type
    response.headers["Content-Length"] = str(length)
    response.headers["Accept-Ranges"] = "bytes"
    if span:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{content.size}"
    if etag:
        response.set_etag(etag)
    return response


def _body(request: Request, content: Readable, start: int, length: int) -> Response:
    """The bytes, by the server's sendfile where they are a whole large file."""
    path: Path | None = getattr(content, "path", None)
    if path is not None and length == content.size > CHUNK_BYTES:
        file = wrap_file(request.environ, path.open("rb"), CHUNK_BYTES)
        return Response(file, direct_passthrough=True)
    return Response(content.chunks(start, length))


def content_type_of(name: str) -> str:
    """Content type of a result file by its name; never one that a browser would run."""
    suffix = name[name.rfind(".") :] if "." in name else ""
    return _CONTENT_TYPES.get(suffix, "application/octet-stream")


def on_close(response: Response, action: Callable[[], object]) -> Response:
    """Run ``action`` when the answer was sent or given up."""
    response.call_on_close(action)
    return response


class RangeNotSatisfiable(InvalidInput):
    """The asked range lies outside of the content."""


def _span(request: Request, size: int, etag: str) -> tuple[int, int] | None:
    """(start, length) of a satisfiable single range; several ranges are answered whole."""
    header = request.headers.get("Range", "")
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.group(1) == match.group(2) == "":
        return None
    if_range = request.headers.get("If-Range")
    if if_range is not None and if_range != f'"{etag}"':
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        start = size - length
    else:
        start = int(first)
        end = min(int(last), size - 1) if last else size - 1
        length = end - start + 1
    if length <= 0 or start >= size:
        raise RangeNotSatisfiable(f"range {header} is outside of {size} bytes")
    return start, length
