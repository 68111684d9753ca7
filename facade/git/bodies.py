"""Request bodies as the git door reads them: decompressed, bounded, never in memory."""

from __future__ import annotations

import zlib

from flask import Request
from werkzeug.exceptions import HTTPException

from storage.errors import InvalidContent, TooLarge
from storage.git.pktline import Reader

_CHUNK_BYTES = 64 * 1024


class BodyReader:
    """The body as it comes; an upload that breaks off is an error of the caller."""

    def __init__(self, source: Reader, limit_bytes: int) -> None:
        """Read from ``source``.

        Args:
            source: ``request.stream``.
            limit_bytes: Most bytes read; more raise ``TooLarge``.
        """
        self._source = source
        self._left = limit_bytes
        self._limit_bytes = limit_bytes

    def read(self, size: int = -1, /) -> bytes:
        """Up to ``size`` bytes, empty at the end.

        Raises:
            InvalidContent: The connection broke.
            TooLarge: The body is over the limit.
        """
        wanted = _CHUNK_BYTES if size < 0 else size
        try:
            data = self._source.read(wanted)
        except (OSError, HTTPException):
            raise InvalidContent("the upload broke off", hint="try again") from None
        self._left -= len(data)
        if self._left < 0:
            raise TooLarge(f"the request is larger than {self._limit_bytes} bytes")
        return data


class GunzipReader:
    """A gzip body, inflated only as far as it is read."""

    def __init__(self, source: Reader) -> None:
        """Inflate from ``source``; put a ``BodyReader`` around to bound the result."""
        self._source = source
        self._inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        self._waiting = b""

    def read(self, size: int = -1, /) -> bytes:
        """Up to ``size`` bytes, empty at the end.

        Raises:
            InvalidContent: This is not gzip, or it ends early.
        """
        wanted = _CHUNK_BYTES if size < 0 else size
        while wanted and not self._inflater.eof:
            data = self._waiting or self._source.read(_CHUNK_BYTES)
            try:
                out = self._inflater.decompress(data, wanted)
            except zlib.error:
                raise InvalidContent("the request is not valid gzip") from None
            self._waiting = self._inflater.unconsumed_tail
            if out:
                return out
            if not data:
                raise InvalidContent("the request ends early", hint="try again")
        return b""


def body_of(request: Request, limit_bytes: int) -> BodyReader:
    """The body of a request, whatever its encoding.

    Args:
        request: The request; its stream is read on demand.
        limit_bytes: Most bytes after decompression.

    Raises:
        InvalidContent: The encoding is unknown.
        TooLarge: The body is announced to be over the limit.
    """
    announced = request.content_length
    if announced is not None and announced > limit_bytes:
        raise TooLarge(f"the request is larger than {limit_bytes} bytes")
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    stream: Reader = request.stream
    if encoding in ("gzip", "x-gzip"):
        # The compressed form is bounded too: a stream of empty blocks inflates to nothing.
        return BodyReader(GunzipReader(BodyReader(stream, limit_bytes)), limit_bytes)
    if encoding not in ("", "identity"):
        raise InvalidContent(f"unknown content encoding '{encoding[:40]}'")
    return BodyReader(stream, limit_bytes)
