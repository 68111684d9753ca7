from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import need

from .houses import SmallHouse, open_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[SmallHouse]:
    need.program("git")
    house = open_house(tmp_path)
    yield house
    house.records.close()
