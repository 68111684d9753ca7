"""The configured build environment on bubblewrap, in root mode and rootless mode."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from . import cgroups, sandbox
from .apt import Apt, trim
from .base import Base, InstallSet, Root, Sink
from .bases import BaseRoots, BaseSpec
from .cache import make_private
from .layers import Layers
from .limits import Limits
from .modes import Mode
from .namespaces import require_isolation
from .sandbox import Sandbox

_LAYERS_BYTES = 20 << 30
_DOWNLOADS_BYTES = 4 << 30


class Bubblewrap:
    """Base root, cached layers and a sandbox over them.

    One instance per configured environment; several processes may use the same
    cache directory at a time.
    """

    def __init__(
        self, name: str, spec: BaseSpec, cache_dir: Path, mode: Mode | None = None
    ) -> None:
        """Nothing is made before it is needed.

        Args:
            name: Configured name of the environment.
            spec: How its base root is made.
            cache_dir: Holds ``bases``, ``layers``, ``apt`` and ``roots``.
            mode: Rights to work with; default what this process has.
        """
        self._name = name
        self._spec = spec
        self._mode = mode or Mode.detect()
        self._cache_dir = cache_dir.resolve()
        self._bases = BaseRoots(self._cache_dir, self._mode)
        self._layers = Layers(self._cache_dir, self._mode.value)
        self._scratch = self._cache_dir / "roots"

    @property
    def name(self) -> str:
        """Its configured name."""
        return self._name

    @property
    def mode(self) -> Mode:
        """The rights it works with; what a caller passes to ``namespaces.isolate``."""
        return self._mode

    def base(self) -> Base:
        """The base root, made first if it is missing."""
        return self._bases.get(self._spec)

    def prepare(self, install: InstallSet, limits: Limits, sink: Sink, *, slot: int = 0) -> Root:
        """A root holding the base and ``install``; see ``base.Chroot.prepare``."""
        require_isolation()
        make_private(self._scratch)
        base = self.base()
        if base.notice:
            sink.write(base.notice.encode() + b"\n")

        def opened(lowers: Sequence[Path]) -> Sandbox:
            return Sandbox(self._scratch, lowers, limits, self._mode, slot, base.shown)

        with contextlib.ExitStack() as held:
            below = self._layers.distribution(base, install, self._apt(base), opened, sink)
            if below is not None:
                held.callback(below.close)
            top = self._layers.project(base, below, install, opened, sink)
            if top is not None:
                held.callback(top.close)
            layers = [lease.path / "tree" for lease in (top, below) if lease is not None]
            lowers = [*layers, *base.lowers]
            return Sandbox(
                self._scratch, lowers, limits, self._mode, slot, base.shown, held.pop_all()
            )

    def package_lists(self) -> tuple[Path, ...]:
        """Debian ``Packages`` index files of the base's archive."""
        apt = self._apt(self.base())
        return apt.package_lists() if apt else ()

    def sweep(self) -> None:
        """Remove what dead processes left and what the size bounds no longer allow."""
        sandbox.sweep(self._scratch)
        cgroups.sweep()
        self._bases.sweep()
        self._layers.sweep(_LAYERS_BYTES)
        trim(self._cache_dir / "apt", _DOWNLOADS_BYTES)

    def _apt(self, base: Base) -> Apt | None:
        return Apt(self._cache_dir / "apt", base) if base.status and base.sources.strip() else None
