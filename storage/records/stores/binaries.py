"""Binaries: the result files of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, select

from ...model import Binary, Job
from ..shape import Shape
from ..tables.building import binaries, jobs, targets
from ..tables.sources import packages, projects
from ..transaction import Values, chunks
from .base import Store

_SHAPE = Shape(Binary, binaries)
_JOB = Shape(Job, jobs, project=projects.c.name, package=packages.c.name)
_OF_JOB = (
    select(*_SHAPE.columns)
    .where(binaries.c.job_id == bindparam("job_id"))
    .order_by(binaries.c.filename)
)
_IN_POOL = (
    targets.c.project_id == bindparam("project_id"),
    targets.c.repository == bindparam("repository"),
    targets.c.arch == bindparam("arch"),
    packages.c.deleted_at.is_(None),
)
_POOL_JOBS = (
    select(*_JOB.columns)
    .select_from(targets)
    .join(packages, packages.c.id == targets.c.package_id)
    .join(jobs, jobs.c.id == targets.c.good_job_id)
    .join(projects, projects.c.id == jobs.c.project_id)
    .where(*_IN_POOL)
)
_POOL = (
    select(*_SHAPE.columns)
    .select_from(targets)
    .join(packages, packages.c.id == targets.c.package_id)
    .join(binaries, binaries.c.job_id == targets.c.good_job_id)
    .where(*_IN_POOL)
    .order_by(packages.c.name, binaries.c.filename)
)
_NAMED = _POOL.where(binaries.c.name.in_(bindparam("names", expanding=True)))


class Binaries(Store):
    """What jobs brought; immutable once put."""

    def put_all(self, job_id: int, files: Sequence[Binary]) -> None:
        """Keep the result of a job in place of what was kept for it before."""
        self._tx.write(delete(binaries).where(binaries.c.job_id == job_id))
        rows = [
            _SHAPE.dump_whole(file) | {"job_id": job_id, "name": str(file.header.get("name") or "")}
            for file in files
        ]
        if rows:
            self._tx.write(binaries.insert(), rows)

    def of_job(self, job_id: int) -> list[Binary]:
        """The files of one job by name."""
        return _SHAPE.load_all(self._tx.all(_OF_JOB, job_id=job_id))

    def pool(self, project_id: int, repository: str, arch: str) -> list[tuple[str, Job, Binary]]:
        """(package, job, file) of every good result there, by package and file name."""
        rows = self._tx.all(_POOL, project_id=project_id, repository=repository, arch=arch)
        return self._with_jobs(rows, _POOL_JOBS, project_id, repository, arch)

    def providing(
        self, project_id: int, repository: str, arch: str, names: Sequence[str]
    ) -> list[tuple[str, Job, Binary]]:
        """``pool``, only files that are packages called one of ``names``."""
        found: list[tuple[str, Job, Binary]] = []
        for part in chunks(sorted(set(names))):
            rows = self._tx.all(
                _NAMED,
                project_id=project_id,
                repository=repository,
                arch=arch,
                names=list(part),
            )
            wanted = select(binaries.c.job_id).where(binaries.c.name.in_(list(part)))
            only = _POOL_JOBS.where(jobs.c.id.in_(wanted))
            found += self._with_jobs(rows, only, project_id, repository, arch)
        return sorted(found, key=lambda item: (item[0], item[2].filename))

    def _with_jobs(
        self,
        rows: Sequence[Values],
        question: Any,
        project_id: int,
        repository: str,
        arch: str,
    ) -> list[tuple[str, Job, Binary]]:
        """Join by hand: a job's texts would else travel once per file."""
        if not rows:
            return []
        makers = {
            job.id: job
            for job in _JOB.load_all(
                self._tx.all(question, project_id=project_id, repository=repository, arch=arch)
            )
        }
        return [
            (makers[file.job_id].package, makers[file.job_id], file)
            for file in _SHAPE.load_all(rows)
        ]
