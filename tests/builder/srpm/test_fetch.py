"""A stranger's URL reaches public addresses only, and never for long."""

import http.server
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from builder.srpm.addresses import AddressPolicy, UnreachableSource
from builder.srpm.fetch import FetchLimits, checked_url, fetch
from storage.errors import TooLarge

INSIDE = AddressPolicy(private_networks=True)
OUTSIDE = AddressPolicy()
LIMITS = FetchLimits(bytes=1 << 20, time_s=20)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        status, headers, body = self.server.pages.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextmanager
def web(pages):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.pages, server.seen = pages, []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def body(url, limits=LIMITS, policy=INSIDE):
    with fetch(url, limits, policy) as answer:
        return b"".join(answer.chunks)


def test_a_page_is_read():
    with web({"/a%20b?c=d": (200, {"Content-Length": "5"}, b"hello")}) as server:
        assert body(server.url + "/a%20b?c=d#part") == b"hello"
        _, headers = server.seen[0]
        assert "Cookie" not in headers and "Authorization" not in headers


def test_a_redirect_is_followed():
    with web({"/": (302, {"Location": "/x"}, b""), "/x": (200, {}, b"there")}) as server:
        with fetch(server.url + "/", LIMITS, INSIDE) as answer:
            assert b"".join(answer.chunks) == b"there"
            assert answer.url == server.url + "/x"


def test_a_private_address_is_not_even_connected_to():
    with web({"/": (200, {}, b"secret")}) as server:
        with pytest.raises(UnreachableSource, match="private network"):
            body(server.url + "/", policy=OUTSIDE)
        assert server.seen == []


class OnlyFirst(AddressPolicy):
    """Answers like a public name server for example names and refuses the rest."""

    def resolve(self, host, port):
        if host == "public.example":
            return "127.0.0.1"
        return super().resolve(host, port)


def test_a_redirect_into_a_private_network_is_refused():
    with web({"/in": (200, {}, b"secret")}) as server:
        port = server.server_address[1]
        server.pages["/"] = (302, {"Location": f"http://127.0.0.1:{port}/in"}, b"")
        with pytest.raises(UnreachableSource, match="private network"):
            body(f"http://public.example:{port}/", policy=OnlyFirst())
        assert [path for path, _ in server.seen] == ["/"]


def test_the_checked_address_is_the_connected_one(monkeypatch):
    looked_up = []

    def once(host, *args, **kwargs):
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    with web({"/": (200, {}, b"pinned")}) as server:
        monkeypatch.setattr("builder.srpm.addresses.socket.getaddrinfo", once)
        port = server.server_address[1]
        policy = AddressPolicy(private_networks=True)
        address = policy.resolve("rebinding.example", port)
        assert address == "127.0.0.1"
        assert looked_up == ["rebinding.example"]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://127.0.0.1/", ""])
def test_a_redirect_to_another_scheme_is_refused(location):
    with web({"/": (301, {"Location": location} if location else {}, b"")}) as server:
        with pytest.raises(UnreachableSource):
            body(server.url + "/")


def test_endless_redirects_end():
    with web({"/": (302, {"Location": "/"}, b"")}) as server:
        with pytest.raises(UnreachableSource, match="redirects more than"):
            body(server.url + "/")
        assert len(server.seen) == LIMITS.redirects + 1


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "2000000"}])
def test_a_body_over_the_limit_is_refused(headers):
    with web({"/": (200, headers, b"x" * 2_000_000)}) as server, pytest.raises(TooLarge):
        body(server.url + "/")


def test_a_body_that_breaks_off_is_an_error():
    with web({"/": (200, {"Content-Length": "100"}, b"short")}) as server:
        with pytest.raises(UnreachableSource, match="broke off"):
            body(server.url + "/")


def test_a_status_that_is_no_success_is_told():
    with web({}) as server, pytest.raises(UnreachableSource, match="answered 404"):
        body(server.url + "/nothing.src.rpm")


def test_a_server_that_drips_is_cut_off_in_time():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def drip():
            connection, _ = listener.accept()
            with connection:
                try:
                    while not stop.wait(0.02):
                        connection.sendall(b"H")
                except OSError:
                    pass

        thread = threading.Thread(target=drip)
        thread.start()
        started = time.monotonic()
        with pytest.raises(UnreachableSource):
            body(f"http://127.0.0.1:{listener.getsockname()[1]}/", FetchLimits(time_s=0.5))
        assert time.monotonic() - started < 5
        stop.set()
        thread.join()


def test_a_caller_that_fails_keeps_its_own_error():
    with web({"/": (200, {}, b"x")}) as server, pytest.raises(ValueError, match="mine"):
        with fetch(server.url + "/", LIMITS, INSIDE):
            raise ValueError("mine")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/a",
        "file:///etc/passwd",
        "http:///nohost",
        "http://user:secret@example.org/",
        "http://example.org:99999/",
        "http://[::1",
        "http://exa mple.org/",
        "http://example.org/\r\nHost: x",
        "",
    ],
)
def test_urls_that_are_never_fetched(url):
    with pytest.raises(UnreachableSource):
        checked_url(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "not-an-address",
    ],
)
def test_addresses_that_are_not_public(address):
    assert not OUTSIDE.allows(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111"])
def test_addresses_that_are_public(address):
    assert OUTSIDE.allows(address)
