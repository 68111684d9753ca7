"""Source packages made by a script of the submitter, in a root without network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ..artifacts import BadResults, Place, collect
from ..chroots.base import HOME, Root
from ..materials import give_all
from .archive import only_spec
from .sandboxed import bring, build_source_package, run
from .task import SourceFailed, Task

_SCRIPT = "script"
_WORK = "work"
_SOURCES = "sources"
_MAX_FILES = 10_000
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*(=[\w.+~:-]+)?")
_DIRECTORY = re.compile(r"[\w.+-]+(/[\w.+-]+)*")


class CustomProducer:
    """Runs the script; it leaves one spec and its sources in the result directory."""

    def __init__(self, task: Task) -> None:
        """Produce for one task."""
        self._task = task

    @property
    def packages(self) -> Sequence[str]:
        """What the script asked for, besides rpmbuild."""
        wanted = self._task.argument("builddeps").split()
        for name in wanted:
            if not _PACKAGE.fullmatch(name):
                raise SourceFailed(f"'{name[:100]}' is not the name of a package")
        return ("rpm", *wanted)

    def gather(self) -> Path | None:
        """Nothing is fetched."""
        if ".." in self._results().split("/"):
            raise SourceFailed("the result directory cannot be used")
        return None

    def make(self, root: Root) -> Path:
        """Run the script, then rpmbuild on what it left."""
        script = root.home / _SCRIPT
        script.write_text(self._task.argument("script"))
        script.chmod(0o755)
        (root.home / _WORK).mkdir()
        give_all(root, root.home)
        owner, _, name = self._task.build.project.removeprefix("home:").partition(":")
        env = {
            "COPR_OWNER": owner,
            "COPR_PROJECT": name or owner,
            "COPR_PACKAGE": self._task.build.package,
            "COPR_RESULTDIR": f"{HOME}/{self._results()}",
        }
        run(root, self._task, [f"{HOME}/{_SCRIPT}"], cwd=f"{HOME}/{_WORK}", env=env)
        spec = self._take(root)
        bring(root, self._task.work / _SOURCES, _SOURCES)
        return build_source_package(root, self._task, _SOURCES, spec)

    def _take(self, root: Root) -> str:
        """Copy the results out; answers the name of the spec."""
        place = Place(self._results(), re.compile(r".*"))
        limit = self._task.house.storage.limits.file_bytes
        target = self._task.work / _SOURCES
        try:
            rows = collect(root.home, [place], target, max_files=_MAX_FILES, max_bytes=limit)
        except BadResults as error:
            raise SourceFailed(error.message) from None
        return only_spec([row.filename for row in rows])

    def _results(self) -> str:
        wanted = self._task.argument("resultdir").strip("/")
        if wanted in ("", "."):
            return _WORK
        if not _DIRECTORY.fullmatch(wanted):
            raise SourceFailed("the result directory cannot be used")
        return f"{_WORK}/{wanted}"
