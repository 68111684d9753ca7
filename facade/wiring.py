"""The composition root: settings in, one frozen house out.

Nothing else in the project decides which implementation stands behind a seam.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

from builder.bases import Bases
from builder.chroots.configured import chroots
from builder.house import BuilderHouse
from builder.queue import Queue, RqQueue
from builder.recipes import version_of
from builder.signers.base import KeyPolicy, Signer
from builder.signers.keyring import Keyring
from builder.signers.none import NoSigner
from builder.signers.sequoia import SequoiaSigner
from storage.git.context import MetaReaders
from storage.house import Storage, StorageLimits
from storage.records import Records

from .buildersettings import builder_settings
from .obs.meta import parse_package_meta, parse_project_meta, render_package_meta
from .rehearsal import Rehearsals
from .settings import Settings
from .waiting import WaitingRoom


@dataclass(frozen=True, slots=True)
class House:
    """Everything a request may need.

    Attributes:
        settings: The settings in force.
        records: SQL behind dataclasses.
        storage: Sources: projects, packages, revisions.
        queue: Wakes the builder and knows how long the queues are.
        signer: Makes and uses signing keys.
        keyring: Which key signs for a project, and the record of it.
        builder: What the builder's processes are given; also answers build questions.
        rehearsals: Tells what a build would need.
        waiting: Seats for requests that wait for something to happen.
        clock: Unix seconds now.
        started_at: When this process came up, Unix seconds.
    """

    settings: Settings
    records: Records
    storage: Storage
    queue: Queue
    signer: Signer
    keyring: Keyring
    builder: BuilderHouse
    rehearsals: Rehearsals
    waiting: WaitingRoom
    clock: Callable[[], float] = time.time
    started_at: int = 0


def build_house(
    settings: Settings,
    *,
    queue: Queue | None = None,
    clock: Callable[[], float] = time.time,
) -> House:
    """Join every part.

    Args:
        settings: The settings in force.
        queue: Another queue than the settings say; for tests.
        clock: Unix seconds now.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    queue = queue or _queue(settings)
    records = Records.open(settings.database)
    signer, policy = _signer(settings)
    storage = Storage(
        settings.data_dir,
        records,
        _storage_limits(settings),
        clock,
        parse_version=version_of,
        metas=MetaReaders(parse_project_meta, parse_package_meta),
        notify=queue.wake,
    )
    environment = builder_settings(settings)
    roots = chroots(environment, settings.sandbox)
    bases = Bases(environment.chroots, roots, environment.cache_dir, on_change=queue.wake)
    builder = BuilderHouse(
        records,
        storage,
        queue,
        signer,
        environment,
        bases,
        chroots=roots,
        clock=clock,
        render_package_meta=render_package_meta,
    )
    keyring = Keyring(records, signer, policy=policy, clock=clock)
    return House(
        settings,
        records,
        storage,
        queue,
        signer,
        keyring,
        builder,
        Rehearsals(builder),
        WaitingRoom(settings.web_threads // 2),
        clock,
        int(clock()),
    )


def _queue(settings: Settings) -> Queue:
    from .serve.redis import private_url

    return RqQueue.from_url(settings.redis_url or private_url(settings.data_dir))


def _signer(settings: Settings) -> tuple[Signer, KeyPolicy]:
    policy = KeyPolicy(algorithm=settings.key_algorithm)
    if shutil.which("gpg") is None:
        return NoSigner(), policy
    return SequoiaSigner(settings.data_dir / "keys", policy), policy


def _storage_limits(settings: Settings) -> StorageLimits:
    limits = settings.limits
    return StorageLimits(
        large_binary_bytes=limits.large_binary_bytes,
        large_text_bytes=limits.large_text_bytes,
        file_bytes=limits.file_bytes,
        tree_files=limits.files_per_package,
        push_blob_bytes=limits.object_bytes,
        lock_timeout_s=limits.lock_timeout_s,
    )
