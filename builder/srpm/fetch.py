"""Fetches a stranger's URL: only http and https, only public addresses, bounded.

    with fetch(url, limits, policy) as answer:
        storage.stage(answer.chunks)

Contract: each hop of a redirect is checked like the first URL; the connection
goes to the address that was checked (no second look-up); size and wall clock
are bounded whatever the server does; credentials and cookies are never sent.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from storage.errors import TooLarge

from .addresses import AddressPolicy, UnreachableSource

_CHUNK_BYTES = 256 * 1024
_CONNECT_TIMEOUT_S = 15.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
_URL_CHARACTERS = "/?%:@!$&'()*+,;=~-._"
_TROUBLE = (OSError, http.client.HTTPException, ValueError)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds of one fetch.

    Attributes:
        bytes: Size of the body.
        time_s: Wall clock of everything, redirects included.
        redirects: Number of hops after the first.
    """

    bytes: int = 4 * 1024**3
    time_s: float = 600.0
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What the last hop answered.

    Attributes:
        url: Of the last hop.
        chunks: The body; raises ``TooLarge`` or ``UnreachableSource`` while it is read.
    """

    url: str
    chunks: Iterator[bytes]


@contextmanager
def fetch(url: str, limits: FetchLimits, policy: AddressPolicy) -> Iterator[Answer]:
    """Open a URL for reading.

    Raises:
        UnreachableSource: Bad URL, refused address, failed connection, status other than 200.
        TooLarge: The body is announced larger than allowed.
    """
    deadline = time.monotonic() + limits.time_s
    for _ in range(limits.redirects + 1):
        with _request(url, policy, deadline) as response:
            if response.status in _REDIRECTS:
                url = _next_hop(url, response)
                continue
            if response.status != http.client.OK:
                raise UnreachableSource(f"{_shown(url)} answered {response.status}")
            if (response.length or 0) > limits.bytes:
                raise TooLarge(f"{_shown(url)} is larger than {limits.bytes} bytes")
            yield Answer(url, _body(url, response, limits))
            return
    raise UnreachableSource(f"{_shown(url)} redirects more than {limits.redirects} times")


def checked_url(url: str) -> SplitResult:
    """The parts of a URL that may be fetched at all.

    Raises:
        UnreachableSource: Not http or https, no host, or credentials in it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnreachableSource("the URL cannot be read") from None
    if parts.scheme not in _PORTS:
        raise UnreachableSource(f"{_shown(url)} is not an http or https URL")
    if not parts.hostname or port == 0 or any(c <= " " or c == "\x7f" for c in url):
        raise UnreachableSource(f"{_shown(url)} cannot be read as a URL")
    if parts.username is not None or parts.password is not None:
        raise UnreachableSource("a URL with a user name or password is not fetched")
    return parts


@contextmanager
def _request(
    url: str, policy: AddressPolicy, deadline: float
) -> Iterator[http.client.HTTPResponse]:
    parts = checked_url(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    address = policy.resolve(host, port)
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise UnreachableSource(f"{_shown(url)} took too long")
    try:
        sock = _connect(address, port, parts.scheme, host, min(left_s, _CONNECT_TIMEOUT_S))
    except OSError as error:
        raise UnreachableSource(f"cannot connect to {host}:{port}: {_cause(error)}") from None
    # A server that drips bytes never runs into the socket's own timeout.
    watch = threading.Timer(left_s, _cut, [sock])
    watch.start()
    try:
        yield _exchange(sock, url, parts)
    finally:
        watch.cancel()
        sock.close()


def _connect(address: str, port: int, scheme: str, host: str, timeout_s: float) -> socket.socket:
    sock = socket.create_connection((address, port), timeout=timeout_s)
    if scheme == "http":
        return sock
    context = ssl.create_default_context()
    return context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)


def _exchange(sock: socket.socket, url: str, parts: SplitResult) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(parts.hostname or "")
    connection.sock = sock
    target = quote(parts.path or "/", safe=_URL_CHARACTERS)
    if parts.query:
        target += "?" + quote(parts.query, safe=_URL_CHARACTERS)
    try:
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
        connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", parts.netloc)
        connection.putheader("User-Agent", "packhouse")
        connection.putheader("Accept-Encoding", "identity")
        connection.putheader("Connection", "close")
        connection.endheaders()
        return connection.getresponse()
    except _TROUBLE as error:
        raise UnreachableSource(f"{_shown(url)} cannot be fetched: {_cause(error)}") from None


def _next_hop(url: str, response: http.client.HTTPResponse) -> str:
    location = response.headers.get("Location")
    if not location:
        raise UnreachableSource(f"{_shown(url)} redirects to nowhere")
    target = urljoin(url, location)
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
        raise UnreachableSource(f"{_shown(url)} redirects to an unprotected address")
    return target


def _body(url: str, response: http.client.HTTPResponse, limits: FetchLimits) -> Iterator[bytes]:
    read = 0
    announced = response.length
    while True:
        try:
            chunk = response.read(_CHUNK_BYTES)
        except _TROUBLE as error:
            raise UnreachableSource(f"{_shown(url)} broke off: {_cause(error)}") from None
        if not chunk:
            break
        read += len(chunk)
        if read > limits.bytes:
            raise TooLarge(f"{_shown(url)} is larger than {limits.bytes} bytes")
        yield chunk
    if announced is not None and read < announced:
        raise UnreachableSource(f"{_shown(url)} broke off after {read} bytes")


def _cut(sock: socket.socket) -> None:
    try:
        # Not the method of SSLSocket: that one would drop TLS and go on in the clear.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return


def _shown(url: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in url)[:200]


def _cause(error: Exception) -> str:
    return _shown(getattr(error, "strerror", None) or str(error) or type(error).__name__)
