"""The configured build environments as chroots."""

from __future__ import annotations

from ..house import BuilderSettings
from .bases import BaseSpec
from .bubblewrap import Bubblewrap
from .modes import Mode


def chroots(settings: BuilderSettings, sandbox: str = "auto") -> dict[str, Bubblewrap]:
    """One chroot per configured environment, by name; nothing is made yet.

    Args:
        settings: Names the environments and the cache directory.
        sandbox: ``root``, ``rootless``, or ``auto`` for what this process can do.
    """
    mode = Mode.detect() if sandbox == "auto" else Mode(sandbox)
    return {
        chroot.name: Bubblewrap(
            chroot.name,
            BaseSpec(
                kind=chroot.kind,
                suite=chroot.suite,
                source=str(chroot.tarball or ""),
                packages=chroot.packages,
            ),
            settings.cache_dir,
            mode,
        )
        for chroot in settings.chroots
    }
