"""What a check finds out about one package."""

from __future__ import annotations

from dataclasses import dataclass, field

from storage.model import JobState, JsonObject, Package, Target

from ..recipes import ParsedRecipe
from .scopes import BUSY
from .sources import Sources


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a job needs to be built.

    Attributes:
        record: Its input record.
        install: What its root needs; contract of ``Job.install``.
        in_cycle: Its result counts even if nothing in it changed.
    """

    recipe: str
    parsed: ParsedRecipe
    record: str
    install: JsonObject = field(default_factory=dict)
    in_cycle: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of one package in one repository and architecture.

    Attributes:
        code: State (build semantics, section 4.2).
        reason: Why it is built, when ``code`` is scheduled.
        plan: How, when it is to be built and was not before.
        keeps_job: A job that waits or runs goes on as it is.
        drops_results: Results of earlier builds are removed.
        stops_running: A running job is stopped.
        record: Input record as of now, where it was made.
    """

    package: Package
    sources: Sources
    target: Target | None
    code: JobState
    details: str = ""
    reason: JsonObject = field(default_factory=dict)
    plan: Plan | None = None
    keeps_job: bool = False
    drops_results: bool = False
    stops_running: bool = False
    record: str = ""

    @property
    def is_busy(self) -> bool:
        """Whether the package's binaries are about to change."""
        return self.code in BUSY
