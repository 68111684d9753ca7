"""What the builder's processes hold: one frozen value made by the composition root."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.house import Storage
    from storage.model import PackageMeta
    from storage.records import Records

    from .bases import Bases
    from .chroots.base import Chroot
    from .queue import Queue
    from .signers.base import Signer


@dataclass(frozen=True, slots=True)
class ChrootSettings:
    """One configured build environment, offered as a repository of a base project.

    Attributes:
        name: Copr's word for it, ``<distribution>-<release>-<arch>``.
        project: Base project that repositories name in ``<path>``.
        repository: Repository of that project.
        arch: Scheduler architecture.
        kind: ``mmdebstrap``, ``tarball`` or ``host``.
        suite: Distribution release; empty = that of this machine.
        packages: Names put into the base root besides the minimum.
        tarball: The packed root, for kind ``tarball``.
    """

    name: str = "debian-12-x86_64"
    project: str = "Debian:12"
    repository: str = "standard"
    arch: str = "x86_64"
    kind: str = "mmdebstrap"
    suite: str = ""
    packages: tuple[str, ...] = ()
    tarball: Path | None = None


@dataclass(frozen=True, slots=True)
class BuilderSettings:
    """The part of the settings the builder reads.

    Attributes:
        data_dir: Where results, keys and published trees are kept.
        cache_dir: Where bases and layers are kept; everything there can be made again.
        chroots: Configured build environments.
        instance: Name of this house in ``obs://INSTANCE/...``.
        download_url: Public address of the published trees; empty = none.
        rebuild_on_config: Whether a change of macros or flags in a project
            configuration counts as a changed input.
        slots: Builds at the same time on this machine.
        build_timeout_s: Wall-clock limit of one build.
        idle_timeout_s: A build whose log stands still this long is ended.
        log_limit_bytes: Largest kept log of one build.
        result_limit_bytes: Largest sum of the result files of one build.
        memory_limit_bytes: Largest address space of a build; 0 = no limit.
        disk_limit_bytes: Size of the writable layer of a build root.
        heartbeat_s: How often a running job says that it lives.
        lost_after_s: A job without heartbeat for so long is taken away from its worker.
        lost_limit: So often a job may be lost before it counts as failed.
        keep_generations: Published generations kept besides the current one.
        public_url: Under which clients reach the house; its git repositories are below.
        private_networks: Whether sources may be fetched from private addresses.
    """

    data_dir: Path
    cache_dir: Path
    chroots: tuple[ChrootSettings, ...] = (ChrootSettings(),)
    instance: str = "packhouse"
    download_url: str = ""
    rebuild_on_config: bool = False
    slots: int = 1
    build_timeout_s: int = 5 * 3600
    idle_timeout_s: int = 3600
    log_limit_bytes: int = 64 << 20
    result_limit_bytes: int = 4 << 30
    memory_limit_bytes: int = 0
    disk_limit_bytes: int = 8 << 30
    heartbeat_s: float = 5.0
    lost_after_s: float = 60.0
    lost_limit: int = 3
    keep_generations: int = 2
    public_url: str = ""
    private_networks: bool = False

    def job_dir(self, job_id: int, attempt: int) -> Path:
        """Directory of the log and results of one attempt."""
        return self.data_dir / "builds" / str(job_id) / str(attempt)


@dataclass(frozen=True, slots=True)
class BuilderHouse:
    """Everything planner, worker and publisher are given.

    Attributes:
        bases: Package universes of the configured build environments.
        chroots: Implementations by the name of the configured environment.
        clock: Unix seconds now; injected so that tests own the time.
        render_package_meta: Writes the meta of a package that a build makes.
    """

    records: Records
    storage: Storage
    queue: Queue
    signer: Signer
    settings: BuilderSettings
    bases: Bases
    chroots: Mapping[str, Chroot] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    render_package_meta: Callable[[PackageMeta], bytes] | None = None
