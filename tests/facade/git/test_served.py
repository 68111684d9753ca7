"""The door behind gunicorn: chunked bodies, clients that vanish, servers that are killed."""

import base64
import contextlib
import os
import socket

import pytest

from storage.git.pktline import FLUSH, packet
from storage.git.quarantine import sweep_quarantines
from tests.facade.git.conftest import PASSWORD, GitHouse
from tests.facade.git.handmade import ZERO, command, objects_pack, oid
from tests.facade.git.serving import gunicorn, until


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """One server per implementation, started when first asked for."""
    with contextlib.ExitStack() as stack:
        started = {}

        def get(name):
            if name not in started:
                house = GitHouse(tmp_path_factory.mktemp(name) / "data")
                stack.callback(house.records.close)
                started[name] = stack.enter_context(gunicorn(house, name))
            return started[name]

        yield get


@pytest.fixture(params=["native", "dulwich"])
def server(request, servers):
    """A running server, and a project of the test's own in its house."""
    server = servers(request.param)
    server.door.house = server.door.house.fresh()
    return server


def open_post(server, service, *, chunked=True, length=0):
    """A connection on which a POST has begun."""
    credentials = base64.b64encode(f"anna:{PASSWORD}".encode()).decode()
    size = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    path = server.door.url().split("/", 3)[3]
    head = (
        f"POST /{path}/{service} HTTP/1.1\r\nHost: x\r\n{size}\r\n"
        f"Authorization: Basic {credentials}\r\n"
        f"Content-Type: application/x-{service}-request\r\n\r\n"
    )
    connection.sendall(head.encode())
    return connection


def send_chunk(connection, data):
    connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))


def half_a_push(server):
    """A connection that has sent the first half of a large push."""
    blob = os.urandom(4 << 20)
    body = command(ZERO, oid("blob", blob), "refs/tags/x") + objects_pack((3, blob))
    connection = open_post(server, "git-receive-pack")
    for start in range(0, len(body) // 2, 100_000):
        send_chunk(connection, body[start : start + 100_000])
    return connection


def test_big_chunked_pushes_and_clones_pass_through_gunicorn(server, work, clone):
    data = os.urandom(3 << 20)
    work.commit(data__bin=data, hello__spec="Name: hello\n")
    trace = work.run("push", server.door.url("anna"), "main", GIT_CURL_VERBOSE="1").stderr
    assert "Transfer-Encoding: chunked" in trace
    assert "remote: packhouse: revision 1" in trace
    assert (clone(server.door.url()).directory / "data.bin").read_bytes() == data


def test_a_client_that_asks_to_continue_is_told_to(server, work):
    work.commit(data__bin=os.urandom(2 << 20))
    url = server.door.url("anna")
    done = work.run("-c", "http.extraHeader=Expect: 100-continue", "push", url, "main")
    assert done.returncode == 0, done.stderr


def test_a_killed_server_leaves_nothing_of_a_push_behind(tmp_path, work):
    house = GitHouse(tmp_path / "data")
    tmp = house.storage.tmp
    with gunicorn(house) as server, half_a_push(server):
        [alternates] = until(lambda: list(tmp.glob("push-*/objects/info/alternates")))
        # A living quarantine is left alone, however old.
        assert sweep_quarantines(tmp, young_s=0) == 0
        server.kill()
    assert alternates.exists()
    until(lambda: sweep_quarantines(tmp, young_s=0))
    assert house.leftovers() == []
    repository = house.store().repository
    assert "refs/tags/x" not in repository.refs.all()
    assert not [path for path in (repository.path / "objects").rglob("tmp_*")]

    with gunicorn(house) as again:
        work.commit(hello__spec="Name: hello\n")
        work("push", "--quiet", again.door.url("anna"), "main")
    house.records.close()


def test_a_client_that_vanishes_during_a_push_leaves_nothing(server):
    house = server.door.house
    with half_a_push(server):
        until(house.leftovers)
    until(lambda: not house.leftovers())
    until(lambda: not server.git_children())
    assert "refs/tags/x" not in house.store().repository.refs.all()


def test_a_client_that_vanishes_during_a_clone_ends_the_work(servers, work):
    server = servers("native")
    work.commit(data__bin=os.urandom(30 << 20))
    work("push", "--quiet", server.door.url("anna"), "main:big")
    tip = work("rev-parse", "HEAD")
    body = packet(f"want {tip} side-band-64k thin-pack ofs-delta\n".encode())
    body += FLUSH + packet(b"done\n")
    with open_post(server, "git-upload-pack", chunked=False, length=len(body)) as connection:
        connection.sendall(body)
        assert connection.recv(1000)
        until(server.git_children)
    until(lambda: not server.git_children())
