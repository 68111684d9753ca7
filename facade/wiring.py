"""The composition root: settings in, one frozen house out.

Nothing else in the project decides which implementation stands behind a seam.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.records import Records

from .settings import Settings

if TYPE_CHECKING:
    from storage.house import Storage

    from builder.house import BuilderHouse
    from builder.queue import Queue
    from builder.signers.base import Signer


@dataclass(frozen=True, slots=True)
class House:
    """Everything a request may need.

    Attributes:
        settings: The settings in force.
        records: SQL behind dataclasses.
        storage: Sources: projects, packages, revisions.
        queue: Wakes the builder and knows how long the queues are.
        signer: Makes and uses signing keys.
        builder: What the builder's processes are given; also answers build questions.
        clock: Unix seconds now.
        started_at: When this process came up, Unix seconds.
    """

    settings: Settings
    records: Records
    storage: Storage
    queue: Queue
    signer: Signer
    builder: BuilderHouse
    clock: Callable[[], float] = time.time
    started_at: int = 0
