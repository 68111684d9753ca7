"""``multipart/form-data`` read part by part; large parts never stand in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from storage.errors import InvalidContent, TooLarge

_CHUNK_BYTES = 64 * 1024
_MAX_PARTS = 20
_MAX_HEADER_BYTES = 64 * 1024


@dataclass(slots=True)
class Part:
    """One part; ``chunks`` must be used up before the next part is asked for."""

    name: str
    filename: str | None
    headers: Headers
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
                raise TooLarge(f"part '{self.name}' is larger than {limit_bytes} bytes")
        return bytes(body)


def parts(stream: IO[bytes], boundary: str) -> Iterator[Part]:
    """The parts of a body in its order.

    Args:
        stream: The body.
        boundary: Parameter of the content type.

    Raises:
        InvalidContent: The body is malformed, ends early or has too many parts.
    """
    if not 1 <= len(boundary) <= 200:
        raise InvalidContent("the multipart body has no usable boundary")
    events = _Events(stream, boundary)
    while isinstance(event := events.next(), Field | File):
        filename = event.filename if isinstance(event, File) else None
        chunks = _chunks(events)
        yield Part(event.name or "", filename, event.headers, chunks)
        for _ in chunks:
            pass
    if not isinstance(event, Epilogue):
        raise InvalidContent("the multipart body is malformed")


def _chunks(events: _Events) -> Iterator[bytes]:
    more = True
    while more:
        event = events.next()
        if not isinstance(event, Data):
            raise InvalidContent("the multipart body is malformed")
        more = event.more_data
        if event.data:
            yield bytes(event.data)


class _Events:
    """The decoder's events, fed from the stream as they are asked for."""

    def __init__(self, stream: IO[bytes], boundary: str) -> None:
        self._stream = stream
        self._decoder = MultipartDecoder(boundary.encode(), max_parts=_MAX_PARTS)
        self._fed_for_header = 0

    def next(self) -> object:
        """The next event that is not a preamble."""
        try:
            while True:
                event = self._decoder.next_event()
                if isinstance(event, NeedData):
                    self._feed()
                    continue
                self._fed_for_header = 0
                if isinstance(event, Field | File | Data | Epilogue):
                    return event
        except (ValueError, KeyError) as error:
            raise InvalidContent("the multipart body is malformed") from error
        except RequestEntityTooLarge:
            raise InvalidContent("the multipart body has too many parts") from None

    def _feed(self) -> None:
        chunk = self._stream.read(_CHUNK_BYTES)
        self._fed_for_header += len(chunk)
        if self._fed_for_header > _MAX_HEADER_BYTES + 2 * _CHUNK_BYTES:
            raise InvalidContent("the headers of a part are too long")
        # An empty read says that the body ended; the decoder fails if it may not.
        self._decoder.receive_data(chunk or None)
