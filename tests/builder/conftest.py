"""A real base root, made once and kept between runs."""

import os
from pathlib import Path

import pytest

from builder.chroots.bases import BaseSpec
from builder.chroots.bubblewrap import Bubblewrap
from builder.chroots.modes import Mode
from tests.support import need

from .sandboxes import Place, Rootless


@pytest.fixture(scope="session")
def test_cache() -> Path:
    """Where base roots and layers survive test runs."""
    default = Path.home() / ".cache" / "packhouse-test"
    path = Path(os.environ.get("PACKHOUSE_TEST_CACHE") or default)
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="session")
def debian(test_cache) -> Bubblewrap:
    """The machine's own distribution as a clean root, in root mode."""
    need.root()
    need.program("mmdebstrap", "apt-get")
    chroot = Bubblewrap("debian", BaseSpec("mmdebstrap"), test_cache, Mode.ROOT)
    chroot.base()
    return chroot


@pytest.fixture(scope="session")
def place(debian, test_cache) -> Place:
    """Roots of ``debian`` and what must not be left of them."""
    return Place(debian, test_cache / "roots")


@pytest.fixture(scope="session")
def rootless(debian, test_cache) -> Rootless:
    """The same base for an unprivileged uid, packed and unpacked as its own files."""
    return Rootless.make(debian, test_cache)
