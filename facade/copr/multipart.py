"""``multipart/form-data`` read part by part; large parts never stand in memory.

Werkzeug's own decoder adds a byte to a part when a read ends between a boundary
and what follows it, so the few rules of RFC 7578 that clients use are here.
Lines end with CRLF and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from werkzeug.http import parse_options_header

from storage.errors import InvalidContent, TooLarge

_CHUNK_BYTES = 64 * 1024
_MAX_PARTS = 20
_MAX_HEADER_BYTES = 64 * 1024
_CRLF = b"\r\n"


@dataclass(slots=True)
class Part:
    """One part; ``chunks`` must be used up before the next part is asked for."""

    name: str
    filename: str | None
    chunks: Iterator[bytes]

    def read(self, limit_bytes: int) -> bytes:
        """The whole content.

        Raises:
            TooLarge: It has more than ``limit_bytes`` bytes.
        """
        body = bytearray()
        for chunk in self.chunks:
            body += chunk
            if len(body) > limit_bytes:
                raise TooLarge(f"part '{self.name[:50]}' is larger than {limit_bytes} bytes")
        return bytes(body)


def parts(stream: IO[bytes], boundary: str) -> Iterator[Part]:
    """The parts of a body in its order.

    Args:
        stream: The body.
        boundary: Parameter of the content type.

    Raises:
        InvalidContent: The body is malformed, ends early or has too many parts.
    """
    if not 1 <= len(boundary) <= 200 or not boundary.isascii():
        raise InvalidContent("the multipart body has no usable boundary")
    body = _Body(stream)
    delimiter = _CRLF + b"--" + boundary.encode()
    body.take(delimiter, _MAX_HEADER_BYTES)
    for _ in range(_MAX_PARTS):
        # White space may follow a boundary; two dashes end the body.
        if body.take(_CRLF, _MAX_HEADER_BYTES, or_end=True).startswith(b"--"):
            return
        name, filename = _disposition(body)
        chunks = body.until(delimiter)
        yield Part(name, filename, chunks)
        for _ in chunks:
            pass
    if not body.take(_CRLF, _MAX_HEADER_BYTES, or_end=True).startswith(b"--"):
        raise InvalidContent("the multipart body has too many parts")


def _disposition(body: _Body) -> tuple[str, str | None]:
    """Name and file name of a part, from its headers."""
    found: tuple[str, str | None] | None = None
    left = _MAX_HEADER_BYTES
    while line := body.take(_CRLF, left):
        left -= len(line)
        field, _, value = line.partition(b":")
        if field.strip().lower() == b"content-disposition":
            _, options = parse_options_header(_text(value))
            found = options.get("name", ""), options.get("filename")
    if found is None:
        raise InvalidContent("a part of the multipart body has no name")
    return found


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InvalidContent("a header of the multipart body is not UTF-8") from None


class _Body:
    """A stream that can be read up to a delimiter, wherever its chunks end."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        # The first boundary need not follow a line.
        self._buffer = bytearray(_CRLF)

    def until(self, delimiter: bytes) -> Iterator[bytes]:
        """What comes before the delimiter, which is taken too.

        Raises:
            InvalidContent: The body ends first.
        """
        while (at := self._buffer.find(delimiter)) < 0:
            # What could be the beginning of the delimiter has to wait.
            safe = len(self._buffer) - len(delimiter) + 1
            if safe > 0:
                yield bytes(self._buffer[:safe])
                del self._buffer[:safe]
            if not self._fill():
                raise InvalidContent("the multipart body ends too early")
        if at:
            yield bytes(self._buffer[:at])
        del self._buffer[: at + len(delimiter)]

    def take(self, delimiter: bytes, limit_bytes: int, *, or_end: bool = False) -> bytes:
        """The bytes before the delimiter, or before the end where that will do.

        Raises:
            InvalidContent: There are more than ``limit_bytes``, or the body ends.
        """
        while (at := self._buffer.find(delimiter)) < 0:
            if len(self._buffer) > limit_bytes:
                break
            if not self._fill():
                if not or_end:
                    raise InvalidContent("the multipart body ends too early")
                at = len(self._buffer)
                break
        if at < 0 or at > limit_bytes:
            raise InvalidContent("a header of the multipart body is too long")
        taken = bytes(self._buffer[:at])
        del self._buffer[: at + len(delimiter)]
        return taken

    def _fill(self) -> bool:
        chunk = self._stream.read(_CHUNK_BYTES)
        self._buffer += chunk
        return bool(chunk)
