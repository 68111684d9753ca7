import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.facade.houses import Caller, Street, fast_directory


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    data_dir = fast_directory(tmp_path / "data")
    street = Street(data_dir)
    yield street
    street.close()
    shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture
def admin(street: Street) -> Caller:
    return street.admin


@pytest.fixture
def anna(street: Street) -> Caller:
    return street.person("anna")


@pytest.fixture
def bert(street: Street) -> Caller:
    return street.person("bert")
