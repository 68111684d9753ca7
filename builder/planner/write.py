"""From verdicts to rows: targets, jobs, builds; in one transaction each hundred or so."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from storage.model import Build, EventKind, Job, JobState, JsonObject, SourceState, Target
from storage.records import Unit

from ..house import BuilderHouse
from .assess import WAITING_STATES
from .check import Checked
from .verdict import Plan, Verdict

_log = logging.getLogger(__name__)

_AT_ONCE = 200
_UNSTARTED = (*WAITING_STATES, JobState.SCHEDULED)
_RUNNING = (JobState.DISPATCHING, JobState.BUILDING, JobState.SIGNING, JobState.FINISHED)
_FINAL_FOR_BUILD = frozenset(
    {JobState.EXCLUDED, JobState.DISABLED, JobState.LOCKED, JobState.BROKEN}
)
_CAUSES = {"source change": "commit", "new build": "commit"}
_PRIORITIES = {"rebuild": "high", "commit": "default", "copr": "default", "upload": "default"}


@dataclass(slots=True)
class Written:
    """What writing led to.

    Attributes:
        stopped: Jobs whose execution has to be ended.
        scheduled: Jobs that became ready.
    """

    stopped: list[int] = field(default_factory=list)
    scheduled: list[int] = field(default_factory=list)


class Writer:
    """Writes what a check found."""

    def __init__(self, house: BuilderHouse) -> None:
        """Write into the records of ``house``."""
        self._house = house
        self._builds: dict[tuple[int, str, str], int] = {}

    def begin_round(self) -> None:
        """Forget which builds were made: one wave of one package is one build."""
        self._builds.clear()

    def write(self, found: Checked) -> Written:
        """Write all verdicts of a check; may be repeated after a crash."""
        written = Written()
        verdicts = iter(sorted(found.verdicts.items()))
        while batch := list(islice(verdicts, _AT_ONCE)):
            with self._house.records.begin() as unit:
                dropped: set[str] = set()
                targets = []
                for name, verdict in batch:
                    target = self._apply(unit, found, verdict, written)
                    if target is not None:
                        targets.append(target)
                        if verdict.drops_results and verdict.target is not None:
                            if verdict.target.good_job_id is not None:
                                dropped.add(name)
                unit.targets.put_all(targets)
                for name in sorted(dropped):
                    self._announce(unit, found, name)
        return written

    def _announce(self, unit: Unit, found: Checked, package: str) -> None:
        """Results went away: whoever uses them has to be looked at."""
        scope = found.scope
        payload: JsonObject = {"repository": scope.repository, "arch": scope.arch, "lost": package}
        now = int(self._house.clock())
        unit.events.append(EventKind.CHECK_ASKED, scope.project, None, payload, now)

    def _apply(
        self, unit: Unit, found: Checked, verdict: Verdict, written: Written
    ) -> Target | None:
        """Bring jobs in line with a verdict; the target to keep, None if it stays as it is."""
        scope, package = found.scope, verdict.package
        job = unit.jobs.open_for(package.id, scope.repository, scope.arch)
        if verdict.keeps_job:
            self._answer_late_wish(unit, found, verdict, job)
            return self._target(found, verdict, job)
        if job is not None and not self._still_wanted(verdict, job):
            self._cancel(unit, job, verdict, written)
            job = None
        if verdict.code is JobState.SCHEDULED:
            job = self._schedule(unit, found, verdict, job, written)
        elif verdict.code in (JobState.BLOCKED, JobState.UNRESOLVABLE):
            job = self._hold(unit, found, verdict, job)
        else:
            self._settle(unit, found, verdict, job)
            job = None
        return self._target(found, verdict, job)

    def _answer_late_wish(
        self, unit: Unit, found: Checked, verdict: Verdict, job: Job | None
    ) -> None:
        """A build asked for while a job of the same sources is under way is that job."""
        if job is None or verdict.code is not JobState.SCHEDULED:
            return
        build = self._waiting_build(unit, found, verdict)
        if build is not None and build.id > job.build_id:
            text = f"the same as build {job.build_id}"
            self._row(unit, found, replace(verdict, details=text), build, JobState.EXCLUDED)

    def _still_wanted(self, verdict: Verdict, job: Job) -> bool:
        if job.srcmd5 != verdict.sources.id:
            return False
        if verdict.stops_running:
            return False
        # A running job goes on; afterwards its record shows what changed meanwhile.
        return job.state in _RUNNING or verdict.code is not JobState.BROKEN

    def _cancel(self, unit: Unit, job: Job, verdict: Verdict, written: Written) -> None:
        newer = job.srcmd5 != verdict.sources.id
        details = "replaced by newer sources" if newer else verdict.code.value
        now = int(self._house.clock())
        states = _UNSTARTED + _RUNNING
        if unit.jobs.transition(job.id, states, JobState.CANCELED, ended_at=now, details=details):
            _log.info("job_canceled", extra={"job": job.id, "why": details})
            if job.state in _RUNNING:
                written.stopped.append(job.id)

    def _schedule(
        self, unit: Unit, found: Checked, verdict: Verdict, job: Job | None, written: Written
    ) -> Job | None:
        plan, scope = verdict.plan, found.scope
        assert plan is not None
        if job is not None and job.state in _RUNNING:
            return job
        fields = self._fields(found, verdict, plan)
        options: JsonObject = {"nounchanged": True} if plan.in_cycle else {}
        if job is None:
            build = self._build_for(unit, found, verdict)
            fields = _of_build(build) | fields | {"options": _options(build) | options}
            fields["bcnt"] = self._counter(unit, found, verdict, build.id, fields["versrel"])
            job = unit.jobs.create(**fields, state=JobState.SCHEDULED)
            _log.info("job_scheduled", extra={"job": job.id, "scope": str(scope)})
        else:
            fields["bcnt"] = self._counter(unit, found, verdict, job.build_id, fields["versrel"])
            fields["options"] = job.options | options
            unit.jobs.transition(job.id, _UNSTARTED, JobState.SCHEDULED, **fields, details="")
        written.scheduled.append(job.id)
        return job

    def _fields(self, found: Checked, verdict: Verdict, plan: Plan) -> dict[str, Any]:
        scope, sources = found.scope, verdict.sources
        assert sources.revision is not None
        now = int(self._house.clock())
        version = plan.parsed.version or "unknown"
        return {
            "project_id": scope.project_id,
            "package_id": verdict.package.id,
            "repository": scope.repository,
            "arch": scope.arch,
            "rev": sources.revision.number,
            "srcmd5": sources.id,
            "commit": sources.revision.commit,
            "versrel": f"{version}-{sources.revision.vrev}",
            "recipe": plan.recipe,
            "reason": verdict.reason | {"time": now},
            "record": plan.record,
            "install": plan.install,
            "created_at": now,
        }

    def _counter(
        self, unit: Unit, found: Checked, verdict: Verdict, build_id: int, versrel: str
    ) -> int:
        """All architectures of one build get the same number."""
        for other in unit.jobs.of_build(build_id):
            if other.repository == found.scope.repository and other.versrel == versrel:
                if other.bcnt:
                    return other.bcnt
        return unit.jobs.max_bcnt(verdict.package.id, found.scope.repository, versrel) + 1

    def _build_for(self, unit: Unit, found: Checked, verdict: Verdict) -> Build:
        """The build that waits for this, or a new one of what caused it."""
        waiting = self._waiting_build(unit, found, verdict)
        if waiting is not None:
            return waiting
        explain = str(verdict.reason.get("explain") or "")
        cause = _CAUSES.get(explain, "dependency")
        package, sources = verdict.package, verdict.sources
        assert sources.revision is not None
        key = (package.id, sources.id, cause)
        known = self._builds.get(key)
        if known is not None:
            return unit.builds.get(known)
        build = unit.builds.create(
            Build(
                id=0,
                project_id=package.project_id,
                project=package.project,
                package_id=package.id,
                package=package.name,
                commit=sources.revision.commit,
                rev=sources.revision.number,
                srcmd5=sources.id,
                cause=cause,
                submitter=None,
                created_at=int(self._house.clock()),
            )
        )
        self._builds[key] = build.id
        return build

    def _waiting_build(self, unit: Unit, found: Checked, verdict: Verdict) -> Build | None:
        """The newest wish to build these sources that has no job here yet."""
        scope = found.scope
        build = unit.builds.latest(verdict.package.id)
        if build is None or build.canceled or build.srcmd5 != verdict.sources.id:
            return None
        if build.source_state not in (SourceState.SUCCEEDED, SourceState.IMPORTING):
            return None
        chroots = build.options.get("chroots")
        if chroots is not None and f"{scope.repository}-{scope.arch}" not in chroots:
            return None
        here = (scope.repository, scope.arch)
        taken = any((j.repository, j.arch) == here for j in unit.jobs.of_build(build.id))
        return None if taken else build

    def _hold(self, unit: Unit, found: Checked, verdict: Verdict, job: Job | None) -> Job | None:
        """Show in the build's own row what it waits for."""
        if job is not None:
            if job.state not in _RUNNING:
                unit.jobs.transition(job.id, _UNSTARTED, verdict.code, details=verdict.details)
            return job
        build = self._waiting_build(unit, found, verdict)
        return self._row(unit, found, verdict, build, verdict.code) if build else None

    def _settle(self, unit: Unit, found: Checked, verdict: Verdict, job: Job | None) -> None:
        """A build that leads to nothing ends here."""
        final = verdict.code if verdict.code in _FINAL_FOR_BUILD else JobState.EXCLUDED
        details = verdict.details if final is verdict.code else "nothing changed"
        now = int(self._house.clock())
        if job is not None and job.state not in _RUNNING:
            unit.jobs.transition(job.id, _UNSTARTED, final, details=details, ended_at=now)
        elif job is None and (build := self._waiting_build(unit, found, verdict)) is not None:
            self._row(unit, found, replace(verdict, details=details), build, final)

    def _row(
        self, unit: Unit, found: Checked, verdict: Verdict, build: Build, state: JobState
    ) -> Job:
        scope, now = found.scope, int(self._house.clock())
        return unit.jobs.create(
            **_of_build(build),
            state=state,
            project_id=scope.project_id,
            package_id=verdict.package.id,
            repository=scope.repository,
            arch=scope.arch,
            rev=build.rev,
            srcmd5=build.srcmd5,
            commit=build.commit,
            details=verdict.details,
            created_at=now,
            ended_at=now if state.is_final else None,
        )

    def _target(self, found: Checked, verdict: Verdict, job: Job | None) -> Target | None:
        """The new row; None when it would say what the old one says."""
        scope, package, old = found.scope, verdict.package, verdict.target
        if old is None:
            old = Target(
                package.id,
                package.name,
                package.project_id,
                scope.repository,
                scope.arch,
                JobState.WAITING,
            )
        new = replace(
            old,
            code=verdict.code,
            details=verdict.details,
            job_id=job.id if job is not None else old.job_id,
            reason=job.reason if job is not None and job.reason else old.reason,
        )
        if verdict.plan is not None and job is not None:
            new = replace(new, reason=verdict.reason | {"time": int(self._house.clock())})
        if verdict.drops_results:
            new = replace(new, good_job_id=None, record="")
        if verdict.code is JobState.CANCELED:
            new = replace(new, record=verdict.record)
        if new == old and verdict.target is not None:
            return None
        return replace(new, updated_at=int(self._house.clock()))


def _of_build(build: Build) -> dict[str, Any]:
    priority = _PRIORITIES.get(build.cause, "low")
    if build.options.get("background"):
        priority = "low"
    return {
        "build_id": build.id,
        "owner": build.submitter or build.project,
        "priority": priority,
        "options": _options(build),
    }


def _options(build: Build) -> JsonObject:
    return {name: value for name, value in build.options.items() if name != "chroots"}
