"""What a test needs of the machine, and what happens when it is not there.

A user's run skips with the reason. With ``PACKHOUSE_TEST_STRICT=1`` a missing
program fails, because then an install step was forgotten.
"""

import os
import shutil
import sys
from typing import NoReturn

import pytest

_BESIDE = os.path.dirname(sys.executable)
STRICT = os.environ.get("PACKHOUSE_TEST_STRICT") == "1"


class need:
    @staticmethod
    def program(*names: str) -> None:
        """Require executables on PATH or beside this interpreter."""
        places = os.pathsep.join([os.environ.get("PATH", os.defpath), _BESIDE])
        missing = [name for name in names if shutil.which(name, path=places) is None]
        if missing:
            _lack("not installed: " + ", ".join(missing))

    @staticmethod
    def root() -> None:
        """Require uid 0; never counts as a forgotten install."""
        if os.geteuid() != 0:
            pytest.skip("needs root")


def _lack(reason: str) -> NoReturn:
    if STRICT:
        pytest.fail(reason)
    pytest.skip(reason)
