import pytest

from builder.bases import Bases
from builder.house import ChrootSettings

from .distribution import Distribution


@pytest.fixture
def distribution(tmp_path):
    return Distribution(tmp_path)


@pytest.fixture
def bases(distribution, tmp_path):
    settings = ChrootSettings()
    return Bases([settings], {settings.name: distribution}, tmp_path / "cache")


@pytest.fixture
def universe(bases):
    bases.load()
    view = bases.view("Debian:12", "standard", "x86_64")
    assert view.problem == ""
    return view.universe
