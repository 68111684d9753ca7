"""Debian source packages, built by dpkg-buildpackage."""

from __future__ import annotations

import re

from ..artifacts import Place
from ..chroots.base import HOME
from .base import Command, Making

_SOURCES = "src"
_TREE = "tree"
_RESULT = re.compile(
    r".*\.(deb|udeb|ddeb|changes|buildinfo|dsc|tar\.(gz|bz2|xz|zst)|diff\.gz)(\.asc)?"
)
_SCRIPT = f"""\
set -e
cd {HOME}/{_SOURCES}
dpkg-source -x -- "$1" {_TREE}
cd {_TREE}
exec dpkg-buildpackage -us -uc -rfakeroot -j"$2"
"""
_MISSING_EXIT = 3  # dpkg-buildpackage: build dependencies are not met
_MISSING_LINE = re.compile(r"Unmet build (dependencies|conflicts): (.*)")


class DscMaker:
    """``dpkg-source -x`` and ``dpkg-buildpackage``, with build dependencies really checked."""

    needs_rpm = False
    sources = _SOURCES
    places = (Place(_SOURCES, _RESULT),)

    def prepare(self, making: Making) -> Command:
        """The command; everything else is in the source package."""
        script = ["/bin/sh", "-c", _SCRIPT, "build", making.job.recipe, str(making.processors)]
        options = f"parallel={making.processors}"
        return Command(script, {"DEB_BUILD_OPTIONS": options})

    def missing(self, exit_code: int, output: str) -> str:
        """The unmet build dependencies dpkg-checkbuilddeps listed."""
        found = _MISSING_LINE.search(output) if exit_code == _MISSING_EXIT else None
        if found is None:
            return ""
        verb = "conflicts with" if found[1] == "conflicts" else "nothing provides"
        return f"{verb} {found[2].strip()}"[:1000]
