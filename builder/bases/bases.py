"""The configured base roots as repositories that projects name in their paths."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.errors import PackhouseError

from ..chroots.base import Base, Chroot
from ..house import ChrootSettings
from .universe import Place, Universe

_log = logging.getLogger(__name__)

_FORMAT = "4"
_LOAD_TIMEOUT_S = 300
_KEPT = 4
PREPARING = "the base root is being prepared"


@dataclass(frozen=True, slots=True)
class BaseView:
    """One base root as the planner sees it at one moment.

    Attributes:
        name: Configured name of the chroot.
        universe: Its packages; None while they are not known.
        problem: Why they are not.
    """

    name: str
    universe: Universe | None
    problem: str = ""


class Bases:
    """Package universes of the configured chroots, made and kept in the background."""

    def __init__(
        self,
        settings: Sequence[ChrootSettings],
        chroots: Mapping[str, Chroot],
        cache_dir: Path,
        *,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """Describe them; nothing is made before it is asked for.

        Args:
            settings: The configured chroots.
            chroots: Their implementations by name.
            cache_dir: Where compact lists are kept.
            on_change: Called from a thread when a universe came or changed.
        """
        self._settings = {(s.project, s.repository, s.arch): s for s in settings}
        self._chroots = chroots
        self._directory = cache_dir / "universes"
        self._on_change = on_change
        self._lock = threading.Lock()
        self._views: dict[str, BaseView] = {}
        self._threads: dict[str, threading.Thread] = {}

    def offers(self, project: str, repository: str) -> bool:
        """Whether a path element names a base root."""
        return any(key[:2] == (project, repository) for key in self._settings)

    def places(self) -> list[Place]:
        """Every path element a base root stands behind."""
        return [Place(*key) for key in self._settings]

    def view(self, project: str, repository: str, arch: str) -> BaseView | None:
        """The base root behind a path element, None if there is none.

        Returns at once; a universe not yet known is made in the background.
        """
        settings = self._settings.get((project, repository, arch))
        if settings is None:
            return None
        with self._lock:
            known = self._views.get(settings.name)
            if known is None or known.universe is None:
                self._start(settings)
        return known or BaseView(settings.name, None, PREPARING)

    def refresh(self) -> None:
        """Look in the background whether known universes are still right."""
        with self._lock:
            for settings in self._settings.values():
                if settings.name in self._views:
                    self._start(settings)

    def load(self) -> None:
        """Make every universe now, in this thread."""
        for settings in self._settings.values():
            self._prepare(settings)

    def _start(self, settings: ChrootSettings) -> None:
        running = self._threads.get(settings.name)
        if running is None or not running.is_alive():
            thread = threading.Thread(
                target=self._prepare, args=(settings,), name=settings.name, daemon=True
            )
            self._threads[settings.name] = thread
            thread.start()

    def _prepare(self, settings: ChrootSettings) -> None:
        before = self._views.get(settings.name)
        try:
            view = BaseView(settings.name, self._universe(settings, before))
        except (PackhouseError, OSError, subprocess.SubprocessError) as error:
            _log.warning("base_unknown", extra={"base": settings.name, "reason": str(error)})
            if before is not None and before.universe is not None:
                return
            view = BaseView(settings.name, None, f"the base root cannot be prepared: {error}")
        with self._lock:
            self._views[settings.name] = view
        if before is None or before.universe is not view.universe or before.problem:
            _log.info("base_known", extra={"base": settings.name, "problem": view.problem})
            self._on_change()

    def _universe(self, settings: ChrootSettings, before: BaseView | None) -> Universe:
        chroot = self._chroots.get(settings.name)
        if chroot is None:
            raise FileNotFoundError(f"no build environment '{settings.name}' is configured here")
        base = chroot.base()
        lists = chroot.package_lists()
        directory = self._directory / _key(base, lists, settings.arch)
        known = before.universe if before else None
        if known is not None and known.key == directory.name:
            return known
        if not (directory / "facts.json").is_file():
            self._make(directory, base, lists, settings.arch)
        os.utime(directory)
        place = Place(settings.project, settings.repository, settings.arch)
        return Universe(directory, place, base.id)

    def _make(self, directory: Path, base: Base, lists: Sequence[Path], arch: str) -> None:
        """Run the loader in a child and switch its result in by one rename."""
        self._directory.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix="new-", dir=self._directory))
        request = {
            "target": str(temporary),
            "lowers": [str(lower) for lower in base.lowers],
            "status": str(base.status) if base.status else "",
            "lists": [str(path) for path in lists],
            "arch": arch,
        }
        try:
            subprocess.run(
                [sys.executable, "-m", "builder.bases.load"],
                input=json.dumps(request),
                text=True,
                check=True,
                capture_output=True,
                timeout=_LOAD_TIMEOUT_S,
            )
            shutil.rmtree(directory, ignore_errors=True)
            temporary.rename(directory)
        except subprocess.CalledProcessError as error:
            _log.error("universe_failed", extra={"reason": error.stderr[-2000:]})
            raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        self._forget_old()

    def _forget_old(self) -> None:
        found = sorted(self._directory.iterdir(), key=lambda p: p.stat().st_mtime)
        for path in found[:-_KEPT]:
            shutil.rmtree(path, ignore_errors=True)


def _key(base: Base, lists: Sequence[Path], arch: str) -> str:
    """Name of the compact form: by content of the lists and the root."""
    digest = hashlib.sha256(f"{_FORMAT} {arch} {base.id}\n".encode())
    for path in sorted(lists):
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:32]
