"""With which rights roots are made."""

from __future__ import annotations

import os
from enum import Enum


class Mode(Enum):
    """With which rights roots are made."""

    ROOT = "root"  # real uids, a build user of its own
    ROOTLESS = "rootless"  # user namespace, everything is the caller's own uid

    @classmethod
    def detect(cls) -> Mode:
        """Root mode when started by root."""
        return cls.ROOT if os.geteuid() == 0 else cls.ROOTLESS
