"""The world of the worked example: a project on a small distribution, and a worker that obeys.

Everything is real but the building itself: records in SQLite, sources in git,
results as rows.
"""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count
from pathlib import Path

from builder.bases import Bases
from builder.house import BuilderHouse, BuilderSettings
from builder.planner.loop import Scheduler
from builder.queue import InlineQueue
from builder.recipes import version_of
from builder.signers.none import NoSigner
from storage.house import Storage
from storage.model import (
    Author,
    Binary,
    Build,
    FlagRule,
    JobState,
    PackageMeta,
    PathEntry,
    ProjectMeta,
    Repository,
    Target,
)
from storage.records import Records

ANNA = Author("anna")
ARCH = "x86_64"

DIST = {
    "bash": {},
    "rpm": {},
    "gcc": {},
    "make": {},
    "zlib": {},
    "zlib-devel": {"requires": ["zlib"]},
    "zlib-ng": {},
}
CONFIG = """Type: spec
Preinstall: bash rpm
Required: gcc
Support: make
"""
SPECS = {
    "libgreet": ("1.0", ["zlib-devel"]),
    "greet": ("2.0", ["libgreet-devel"]),
    "site": ("3.0", ["greet"]),
}
OUTPUTS = {
    "libgreet": {"libgreet": {}, "libgreet-devel": {"requires": ["libgreet"]}},
    "greet": {"greet": {}},
    "site": {"site": {}},
}


class Clock:
    def __init__(self):
        self.now = 1_700_000_000

    def __call__(self):
        self.now += 1
        return float(self.now)


@dataclass
class World:
    directory: Path
    outputs: dict = field(default_factory=lambda: {k: dict(v) for k, v in OUTPUTS.items()})
    published: list = field(default_factory=list)
    built: list = field(default_factory=list)
    results: dict = field(default_factory=dict)
    chroots: dict = field(default_factory=dict)

    def __post_init__(self):
        self.clock = Clock()
        self.records = Records.open(f"sqlite:///{self.directory}/packhouse.db")
        self.queue = InlineQueue(run_job=lambda job, attempt: None)
        self.storage = Storage(
            self.directory, self.records, clock=self.clock, parse_version=version_of
        )
        settings = BuilderSettings(self.directory, self.directory / "cache", slots=100)
        self.house = BuilderHouse(
            self.records,
            self.storage,
            self.queue,
            NoSigner(),
            settings,
            Bases(settings.chroots if self.chroots else (), self.chroots, settings.cache_dir),
            clock=self.clock,
        )
        self.scheduler = self.new_scheduler()
        self._serial = count(1 + self.records_version())

    def records_version(self):
        with self.records.read() as unit:
            return len(unit.jobs.with_state((JobState.SUCCEEDED,), 10_000))

    def new_scheduler(self):
        return Scheduler(self.house, publish=self._publish)

    def _publish(self, project, repository, config):
        self.published.append((project, repository))
        with self.records.begin() as unit:
            found = unit.projects.find(project)
            row = unit.publications.get(found.id, repository) if found else None
            if row is not None:
                unit.publications.put(replace(row, state="published", dirty=False))

    # --- edits ---

    def project(self, name, *repositories, flags=()):
        meta = ProjectMeta(name=name, repositories=repositories, flags=tuple(flags))
        self.storage.put_project_meta(b"<project/>", meta, ANNA)

    def flags(self, package, *flags, project="demo"):
        meta = PackageMeta(package, project, flags=tuple(flags))
        self.storage.put_package_meta(b"<package/>", meta, ANNA)

    def package(self, name, project="demo"):
        self.storage.put_package_meta(b"<package/>", PackageMeta(name, project), ANNA)

    def commit(self, package, filename, text, project="demo"):
        store = self.storage.package(project, package)
        with self.storage.stage([text.encode()]) as staged:
            return store.put_file(filename, staged, ANNA)

    def spec(self, name, requires=None, *, version=None, more="", project="demo"):
        known_version, known = SPECS.get(name, ("1", []))
        requires = known if requires is None else requires
        lines = [f"Name: {name}", f"Version: {version or known_version}", "Release: 0"]
        lines += [f"BuildRequires: {word}" for word in requires]
        return self.commit(name, f"{name}.spec", "\n".join([*lines, more, ""]), project)

    def config(self, text, project="demo"):
        self.commit("_project", "_config", text, project)

    def downloaded(self, name, facts=None, *, version="1", project="Dist", repository="std"):
        """Put a package of the distribution there, or another build of it."""
        with self.records.read() as unit:
            package = unit.packages.find(project, name)
        if package is None:
            self.package(name, project)
            with self.records.read() as unit:
                package = unit.packages.get(project, name)
        with self.records.begin() as unit:
            build = unit.builds.create(
                Build(
                    id=0,
                    project_id=package.project_id,
                    project=project,
                    package_id=package.id,
                    package=name,
                    commit="",
                    rev=0,
                    srcmd5="",
                    cause="upload",
                    submitter=None,
                    created_at=0,
                )
            )
            job = unit.jobs.create(
                build_id=build.id,
                project_id=package.project_id,
                package_id=package.id,
                repository=repository,
                arch=ARCH,
                state=JobState.SUCCEEDED,
                created_at=0,
            )
            facts = DIST.get(name, {}) if facts is None else facts
            unit.binaries.put_all(job.id, [self.binary(job.id, name, facts, version)])
            unit.targets.put(
                Target(
                    package.id,
                    name,
                    package.project_id,
                    repository,
                    ARCH,
                    JobState.BROKEN,
                    good_job_id=job.id,
                )
            )
        self.look_again(project, repository, [name, *(facts.get("provides") or ())])

    def look_again(self, project, repository, names):
        from builder.planner.results import announce

        with self.records.begin() as unit:
            announce(self.house, unit, project, repository, ARCH, [], names)

    def binary(self, job_id, name, facts, version="1"):
        serial = hashlib.md5(f"{name} {next(self._serial)}".encode()).hexdigest()
        header = {"type": "rpm", "name": name, "version": version, "release": "1", "arch": ARCH}
        header |= {"hdrmd5": serial, "provides": [f"{name} = {version}-1"], **facts}
        header["provides"] += facts.get("provides", []) if "provides" in facts else []
        return Binary(job_id, f"{name}-{version}-1.{ARCH}.rpm", 1, serial, serial, 0, header)

    # --- time passes ---

    def step(self):
        return self.scheduler.step()

    def settle(self):
        """Step until nothing more happens, without finishing jobs."""
        for _ in range(50):
            if not self.scheduler.step():
                return
        raise AssertionError("the scheduler does not come to rest")

    def waiting(self):
        with self.records.read() as unit:
            return unit.jobs.with_state((JobState.DISPATCHING,))

    def finish(self, job, result="succeeded", details=""):
        """What a worker does to a job it was given."""
        now = int(self.clock())
        with self.records.begin() as unit:
            taken = unit.jobs.transition(
                job.id,
                (JobState.DISPATCHING,),
                JobState.BUILDING,
                if_attempt=job.attempt,
                worker="w1",
                started_at=now,
            )
            assert taken
            unit.jobs.transition(
                job.id,
                (JobState.BUILDING,),
                JobState.FINISHED,
                if_attempt=job.attempt,
                result=result,
                details=details,
                ended_at=now,
            )
            if result == "succeeded":
                made = self.outputs.get(job.package, {job.package: {}})
                rows = [self.binary(job.id, name, facts) for name, facts in made.items()]
                unit.binaries.put_all(job.id, rows)

    def run(self, **results):
        """Build everything that gets ready, one after the other; what was built and why.

        Args:
            **results: Result by package; ``succeeded`` where nothing is said.
        """
        built = []
        for _ in range(100):
            self.settle()
            jobs = self.waiting()
            if not jobs:
                return built
            job = min(jobs, key=lambda job: job.id)
            built.append((job.repository, job.package, reason(job)))
            self.finish(job, results.get(job.package, "succeeded"))
        raise AssertionError("builds never end")

    # --- questions ---

    def target(self, package, repository="stable", project="demo", arch=ARCH):
        with self.records.read() as unit:
            row = unit.packages.find(project, package)
            return unit.targets.get(row.id, repository, arch) if row else None

    def code(self, package, repository="stable", **more):
        target = self.target(package, repository, **more)
        if target is None:
            return "unknown", ""
        return target.code.value, target.details

    def codes(self, *packages, repository="stable"):
        return [self.code(package, repository) for package in packages]

    def state(self, repository="stable", project="demo", arch=ARCH):
        with self.records.read() as unit:
            found = unit.projects.get(project)
            row = unit.publications.get(found.id, repository, arch)
            return (row.state, row.details) if row else ("unknown", "")

    def job(self, package, repository="stable", project="demo", arch=ARCH):
        with self.records.read() as unit:
            target = self.target(package, repository, project, arch)
            return unit.jobs.get(target.job_id)


def reason(job):
    """``explain`` with the changed inputs: ``meta change: md5sum gcc, added sed``."""
    facts = job.reason
    changes = [f"{c['change']} {c['key']}" for c in facts.get("packagechange", ())]
    return facts["explain"] + (f": {', '.join(changes)}" if changes else "")


def off(flag, repository=None, arch=None):
    return FlagRule(flag, False, repository, arch)


def on(flag, repository=None, arch=None):
    return FlagRule(flag, True, repository, arch)


def worked_example(directory, *repositories):
    """World 7.1: project ``demo`` on ``Dist``; nothing is built yet."""
    world = World(directory)
    world.project("Dist", Repository("std", (ARCH,)))
    for name in DIST:
        world.downloaded(name)
    repositories = repositories or (
        Repository("stable", (ARCH,), (PathEntry("Dist", "std"),)),
        Repository("next", (ARCH,), (PathEntry("demo", "stable"),), rebuild="direct"),
    )
    world.project("demo", *repositories)
    world.config(CONFIG)
    for name in SPECS:
        world.package(name)
        world.spec(name)
    return world


@cache
def _built(mode):
    """A directory with world 7.1 in one repository of a rebuild mode, everything built."""
    directory = Path(tempfile.mkdtemp(prefix="packhouse-world-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    path = (PathEntry("Dist", "std"),)
    world = worked_example(directory, Repository("stable", (ARCH,), path, rebuild=mode))
    world.run()
    world.records.close()
    return directory, world.clock.now


def one_repository(directory, mode="transitive"):
    """World 7.1 with one repository, everything built; its scheduler has just started."""
    built, now = _built(mode)
    shutil.copytree(built, directory, dirs_exist_ok=True)
    world = World(directory)
    world.clock.now = now
    return world
