"""The only way out for programs that fetch on a stranger's behalf: a small HTTP proxy.

git resolves names, follows redirects and opens submodules by itself. Told to use
this proxy for everything, each of its connections is checked like our own
fetches: by address, after one look-up, bounded in bytes.

    with Gateway(policy, limit_bytes) as gateway:
        run(["git", "clone", url], env=gateway.environment())
"""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import socketserver
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from storage.errors import TooLarge

from .addresses import AddressPolicy, UnreachableSource

_CONNECT_TIMEOUT_S = 15.0
_IDLE_S = 60.0
_CHUNK_BYTES = 64 * 1024
_HEAD_BYTES = 64 * 1024
_HOP_HEADERS = frozenset(
    {"proxy-connection", "connection", "keep-alive", "proxy-authorization", "upgrade"}
)


class Gateway:
    """A proxy on a loopback port while the context is open.

    Attributes:
        policy: Decides which addresses may be reached.
        refusals: What was refused, in words, for the log.
    """

    def __init__(self, policy: AddressPolicy, limit_bytes: int) -> None:
        """Bind the port.

        Args:
            policy: Decides which addresses may be reached.
            limit_bytes: Most bytes that come in through all connections together.
        """
        self.policy = policy
        self.refusals: list[str] = []
        self._left = limit_bytes
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.gateway = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def environment(self) -> Mapping[str, str]:
        """Variables that send a program's connections here."""
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        names = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        return {**dict.fromkeys(names, url), "no_proxy": "", "NO_PROXY": ""}

    def spend(self, count: int) -> None:
        """Take received bytes off the budget.

        Raises:
            TooLarge: It is used up.
        """
        with self._lock:
            self._left -= count
            if self._left < 0:
                raise TooLarge("the source is larger than allowed")

    def refuse(self, reason: str) -> None:
        """Note a refusal."""
        with self._lock:
            if len(self.refusals) < 100:
                self.refusals.append(reason)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False
    block_on_close = True
    gateway: Gateway

    def __init__(self, address: tuple[str, int], handler: type[_Handler]) -> None:
        super().__init__(address, handler)
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()

    def hold(self, sock: socket.socket) -> None:
        with self._open_lock:
            self._open.add(sock)

    def drop(self, sock: socket.socket) -> None:
        with self._open_lock:
            self._open.discard(sock)

    def close_connections(self) -> None:
        with self._open_lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


class _Handler(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        self.request.settimeout(_IDLE_S)
        self.server.hold(self.request)
        try:
            self._serve()
        except UnreachableSource as error:
            self.server.gateway.refuse(error.message)
            self._answer(403, error.message)
        except TooLarge as error:
            self.server.gateway.refuse(error.message)
        except (OSError, ValueError):
            return
        finally:
            self.server.drop(self.request)

    def _serve(self) -> None:
        head, rest = self._head()
        line, *headers = head.split(b"\r\n")
        words = line.decode("latin-1").split()
        if len(words) != 3:
            self._answer(400, "bad request line")
        elif words[0] == "CONNECT":
            self._tunnel(words[1], rest)
        else:
            self._forward(words[0], words[1], headers, rest)

    def _head(self) -> tuple[bytes, bytes]:
        received = b""
        while b"\r\n\r\n" not in received:
            data = self.request.recv(_CHUNK_BYTES)
            if not data or len(received) > _HEAD_BYTES:
                raise ValueError("no request")
            received += data
        head, _, rest = received.partition(b"\r\n\r\n")
        return head, rest

    def _tunnel(self, target: str, rest: bytes) -> None:
        host, _, port = target.rpartition(":")
        with self._connected(host.strip("[]"), int(port)) as upstream:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._pump(upstream, rest)

    def _forward(self, method: str, target: str, headers: list[bytes], rest: bytes) -> None:
        parts = urlsplit(target)
        if parts.scheme != "http" or not parts.hostname:
            raise UnreachableSource("only http and https can be fetched")
        path = parts.path or "/"
        if parts.query:
            path += f"?{parts.query}"
        kept = [each for each in headers if _header_name(each) not in _HOP_HEADERS]
        # One request per connection: the next one may name another host.
        lines = [f"{method} {path} HTTP/1.1".encode("latin-1"), *kept, b"Connection: close"]
        with self._connected(parts.hostname, parts.port or 80) as upstream:
            self._pump(upstream, b"\r\n".join(lines) + b"\r\n\r\n" + rest)

    def _connected(self, host: str, port: int) -> socket.socket:
        address = self.server.gateway.policy.resolve(host, port)
        upstream = socket.create_connection((address, port), _CONNECT_TIMEOUT_S)
        upstream.settimeout(_IDLE_S)
        return upstream

    def _pump(self, upstream: socket.socket, first: bytes) -> None:
        """Copy both ways until one side ends."""
        self.server.hold(upstream)
        try:
            upstream.sendall(first)
            while True:
                ready, _, _ = select.select([self.request, upstream], [], [], _IDLE_S)
                if not ready:
                    return
                for sock in ready:
                    data = sock.recv(_CHUNK_BYTES)
                    if not data:
                        return
                    if sock is upstream:
                        self.server.gateway.spend(len(data))
                        self.request.sendall(data)
                    else:
                        upstream.sendall(data)
        finally:
            self.server.drop(upstream)

    def _answer(self, status: int, reason: str) -> None:
        phrase = http.client.responses.get(status, "")
        text = f"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\n\r\n{reason}\n"
        with contextlib.suppress(OSError):
            self.request.sendall(text.encode("latin-1", "replace"))


def _header_name(line: bytes) -> str:
    return line.partition(b":")[0].decode("latin-1").strip().lower()
