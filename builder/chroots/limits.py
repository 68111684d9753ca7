"""How much one build may use."""

from __future__ import annotations

import resource
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one build; 0 means none where a field says so.

    Attributes:
        wall_s: Seconds until everything is killed.
        idle_s: Seconds without output until everything is killed; 0 = none.
        disk_bytes: Everything the build writes; it lies in memory (tmpfs).
        inodes: Files, directories and links the build makes.
        processes: Processes and threads at a time.
        file_bytes: Largest single file; 0 = none.
        cpu_s: Processor seconds of a single process; 0 = none.
        address_bytes: Address space of a single process; 0 = none.
        memory_bytes: Memory of all processes together besides the files they write;
            needs cgroups, 0 = none.
        open_files: Descriptors of a single process.
        log_bytes: Output at which the build is killed.
        result_files: Result files.
        result_bytes: Sum of their sizes.
    """

    wall_s: float = 5 * 3600
    idle_s: float = 3600
    disk_bytes: int = 8 << 30
    inodes: int = 2_000_000
    processes: int = 2048
    file_bytes: int = 4 << 30
    cpu_s: int = 0
    address_bytes: int = 0
    memory_bytes: int = 0
    open_files: int = 4096
    log_bytes: int = 64 << 20
    result_files: int = 5000
    result_bytes: int = 4 << 30

    def rlimits(self) -> list[tuple[int, int]]:
        """(resource, value) pairs to set on the first process of a build."""
        wanted = [
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_NPROC, self.processes),
            (resource.RLIMIT_NOFILE, self.open_files),
            (resource.RLIMIT_MEMLOCK, 64 << 10),
        ]
        optional = [
            (resource.RLIMIT_FSIZE, self.file_bytes),
            (resource.RLIMIT_CPU, self.cpu_s),
            (resource.RLIMIT_AS, self.address_bytes),
        ]
        return wanted + [(name, value) for name, value in optional if value]


def apply_rlimits(pid: int, limits: Limits) -> None:
    """Set the limits on another process, never above what it may have now."""
    for name, value in limits.rlimits():
        _, hard = resource.prlimit(pid, name)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.prlimit(pid, name, (value, value))
