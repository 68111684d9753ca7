"""Programs that fetch for a stranger get out through the guard only."""

import contextlib
import http.client
import socket
import threading

import pytest

from builder.srpm.addresses import AddressPolicy
from builder.srpm.gateway import Gateway

from .test_fetch import INSIDE, OUTSIDE, web


def through(gateway, method, target, **options):
    place = gateway.environment()["http_proxy"].removeprefix("http://")
    connection = http.client.HTTPConnection(place, timeout=10)
    try:
        connection.request(method, target, **options)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_an_allowed_page_comes_through():
    with web({"/x?y=1": (200, {}, b"page")}) as server, Gateway(INSIDE, 10_000) as gateway:
        assert through(gateway, "GET", server.url + "/x?y=1") == (200, b"page")


def test_a_private_address_is_refused_and_noted():
    with web({"/": (200, {}, b"secret")}) as server, Gateway(OUTSIDE, 10_000) as gateway:
        status, _ = through(gateway, "GET", server.url + "/")
        assert status == 403
        assert server.seen == []
        assert "private network" in gateway.refusals[0]


def test_a_tunnel_into_a_private_network_is_refused():
    with web({}) as server, Gateway(OUTSIDE, 10_000) as gateway:
        host, port = gateway.environment()["https_proxy"].removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), 10) as sock:
            sock.sendall(f"CONNECT 127.0.0.1:{server.server_address[1]} HTTP/1.1\r\n\r\n".encode())
            assert sock.recv(100).startswith(b"HTTP/1.1 403")


def test_a_tunnel_carries_bytes_both_ways():
    with socket.create_server(("127.0.0.1", 0)) as listener, Gateway(INSIDE, 10_000) as gateway:

        def echo():
            peer, _ = listener.accept()
            with peer:
                peer.sendall(peer.recv(100).upper())

        thread = threading.Thread(target=echo)
        thread.start()
        host, port = gateway.environment()["https_proxy"].removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), 10) as sock:
            sock.sendall(f"CONNECT 127.0.0.1:{listener.getsockname()[1]} HTTP/1.1\r\n\r\n".encode())
            assert sock.recv(100).startswith(b"HTTP/1.1 200")
            sock.sendall(b"hello")
            assert sock.recv(100) == b"HELLO"
        thread.join()


def test_more_than_the_budget_does_not_come_through():
    with web({"/": (200, {}, b"x" * 500_000)}) as server, Gateway(INSIDE, 100_000) as gateway:
        with pytest.raises((http.client.IncompleteRead, ConnectionError, AssertionError)):
            _, body = through(gateway, "GET", server.url + "/")
            assert len(body) == 500_000
        assert "larger than allowed" in gateway.refusals[0]


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET ftp://example.org/ HTTP/1.1\r\n\r\n",
        b"GET /relative HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"CONNECT nowhere.invalid:443 HTTP/1.1\r\n\r\n",
    ],
)
def test_other_requests_are_refused(request_head):
    with Gateway(AddressPolicy(), 10_000) as gateway:
        host, port = gateway.environment()["http_proxy"].removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), 10) as sock:
            sock.sendall(request_head)
            assert sock.recv(100).startswith((b"HTTP/1.1 403", b"HTTP/1.1 400"))


def test_closing_ends_connections_that_are_open():
    with Gateway(INSIDE, 10_000) as gateway:
        host, port = gateway.environment()["http_proxy"].removeprefix("http://").split(":")
        sock = socket.create_connection((host, int(port)), 10)
    with sock, contextlib.suppress(ConnectionResetError):
        assert sock.recv(10) == b""
