from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.facade.houses import PASSWORD, Street, fast_directory
from tests.support import need

from .osc import LiveServer, Osc


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    """A house of its own for each story."""
    street = Street(fast_directory(tmp_path / "data"))
    yield street
    street.close()


@pytest.fixture
def server(street: Street) -> Iterator[LiveServer]:
    server = LiveServer(street.app)
    yield server
    server.close()


@pytest.fixture
def osc(tmp_path: Path, street: Street, server: LiveServer) -> Callable[[str], Osc]:
    """Gives a new person an account and a desk with osc on it."""
    need.program("osc")

    def sit_down(login: str, desk: str = "") -> Osc:
        with street.house.records.read() as unit:
            known = unit.accounts.find(login)
        if known is None:
            street.person(login)
        return Osc(server.url, tmp_path / (desk or login), login, PASSWORD)

    return sit_down
