from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.facade.houses import Caller, Street


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    street = Street(tmp_path / "data")
    yield street
    street.close()


@pytest.fixture
def admin(street: Street) -> Caller:
    return street.admin


@pytest.fixture
def anna(street: Street) -> Caller:
    return street.person("anna")


@pytest.fixture
def bert(street: Street) -> Caller:
    return street.person("bert")
