"""One house for all scenarios of this folder; every test has its own people."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contrib.bench.house import BenchHouse, running
from tests.support import need

from .people import Person, admin

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def cache() -> Path:
    """Base roots and layers that survive test runs."""
    default = Path.home() / ".cache" / "packhouse-test"
    return Path(os.environ.get("PACKHOUSE_TEST_CACHE") or default)


@pytest.fixture(scope="session")
def house(cache) -> Iterator[BenchHouse]:
    """A whole house with two build workers."""
    need.root()
    need.program("git", "mmdebstrap", "gpg", "rpmsign")
    with running(build_workers=2, cache=cache) as live:
        yield live


@pytest.fixture
def person(house, tmp_path) -> Callable[[str], Person]:
    """Make an account with a desk: ``person("anna")``; the login gets a number."""

    def make(name: str) -> Person:
        login = f"{name}{next(_numbers)}"
        password = f"secret-of-{login}"
        admin(house, "user", "add", login, "--password-file", "-", stdin=password + "\n")
        desk = tmp_path / login
        desk.mkdir()
        return Person(house, login, password, desk)

    return make


@pytest.fixture
def anna(person) -> Person:
    """One account with its home project."""
    return person("anna")
