"""A house with a web application and published repositories, also on a real port."""

import shutil
import socket
import threading
import time

import pytest
from werkzeug.serving import make_server

from builder.publish import publish
from tests.builder.publish.conftest import Bench, built, empty_database  # noqa: F401
from tests.facade.houses import Street
from tests.support import need


class Yard(Bench):
    """The bench of the publisher's tests, in a house with doors."""

    def __init__(self, street):
        super().__init__(street.house.builder, [float(int(time.time()) - 100)])
        self.street = street

    def publish(self, project="home:anna", repository="standard", config=None):
        return publish(self.house, project, repository, config)

    def get(self, url, by=None, method="GET", **options):
        """Call and close, as every server does."""
        options.setdefault("buffered", True)
        return (by or self.street.anonymous()).call(method, url, **options)


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def yard(tmp_path, port, empty_database):  # noqa: F811
    need.program("gpg")
    (tmp_path / "data").mkdir()
    shutil.copy(empty_database, tmp_path / "data" / "packhouse.db")
    street = Street(tmp_path / "data", public_url=f"http://127.0.0.1:{port}")
    yield Yard(street)
    street.close()


@pytest.fixture
def live(yard, port):
    """The address of the house on a real port."""
    server = make_server("127.0.0.1", port, yard.street.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hello(yard, built):  # noqa: F811
    """``home:anna`` with hello published, as rpm, deb and sources."""
    yard.project(title="Anna's packages")
    names = ("hello", "hello-src", "hello-deb", "dsc", "tarball")
    yard.succeed("hello", [built[name] for name in names])
    yard.publish()
    return yard
