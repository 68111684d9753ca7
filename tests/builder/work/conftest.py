"""A builder's house that really builds: records, sources, clean roots, a queue."""

import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from builder import worker
from builder.artifacts import results_dir
from builder.house import BuilderHouse, BuilderSettings, ChrootSettings
from builder.logs import log_path, read_log
from builder.queue import InlineQueue, RqQueue
from storage.house import Storage
from storage.model import (
    Author,
    Build,
    JobState,
    PackageMeta,
    ProjectMeta,
    Repository,
    Target,
)
from storage.names import LATEST
from storage.records import Records
from tests.support import need

SAMPLES = Path(__file__).parents[2] / "samples"
ANNA = Author("anna")


@dataclass
class Bench:
    """The house and short words to use it."""

    house: BuilderHouse

    def commit(self, package, files):
        """Commit files (a directory or a dict) as the newest revision of a package."""
        if isinstance(files, Path):
            files = {path.name: path.read_bytes() for path in files.iterdir()}
        storage = self.house.storage
        with self.house.records.read() as unit:
            known = unit.packages.find("home:anna", package)
        if known is None:
            storage.put_package_meta(b"<package/>", PackageMeta(package, "home:anna"), ANNA)
        store = storage.package("home:anna", package)
        for name, data in files.items():
            with storage.stage([data]) as staged:
                store.put_file(name, staged, ANNA)
        return store.revision(LATEST)

    def schedule(self, package, recipe="", *, cause="commit", queued=True, **fields):
        """A job of the package's newest revision, ready for a worker."""
        store = self.house.storage.package("home:anna", package)
        revision, listing = store.listing(LATEST)
        recipes = [e.name for e in listing.entries if e.name.endswith((".spec", ".dsc"))]
        row = store.package
        with self.house.records.begin() as unit:
            build = unit.builds.create(
                Build(
                    0, row.project_id, "home:anna", row.id, package, revision.commit,
                    revision.number, listing.srcmd5, cause, "anna", int(time.time()),
                )
            )  # fmt: skip
            job = unit.jobs.create(
                **{
                    "build_id": build.id,
                    "project_id": row.project_id,
                    "package_id": row.id,
                    "repository": "debian",
                    "arch": "x86_64",
                    "state": JobState.DISPATCHING if queued else JobState.SCHEDULED,
                    "attempt": 1,
                    "rev": revision.number,
                    "srcmd5": listing.srcmd5,
                    "commit": revision.commit,
                    "versrel": f"{revision.version}-{revision.vrev}",
                    "bcnt": 1,
                    "recipe": recipe or recipes[0],
                    "queued_at": int(time.time()) if queued else None,
                    **fields,
                }
            )
        return job

    def build(self, package, recipe="", **fields):
        """Schedule and build, in a child process; the job as it then is."""
        job = self.schedule(package, recipe, **fields)
        self.house.queue.enqueue(job.id, job.attempt, job.arch, job.priority)
        self.house.queue.wait(1)
        return self.job(job.id)

    def accept(self, job):
        """What the planner does with a success."""
        with self.house.records.begin() as unit:
            assert unit.jobs.transition(job.id, (JobState.FINISHED,), JobState.SUCCEEDED)
            unit.targets.put(
                Target(
                    job.package_id, job.package, job.project_id, job.repository, job.arch,
                    JobState.SUCCEEDED, job_id=job.id, good_job_id=job.id,
                )
            )  # fmt: skip

    def job(self, job_id):
        with self.house.records.read() as unit:
            return unit.jobs.get(job_id)

    def binaries(self, job):
        with self.house.records.read() as unit:
            return {binary.filename: binary for binary in unit.binaries.of_job(job.id)}

    def log(self, job):
        return read_log(log_path(self.house.settings, job)).decode(errors="replace")

    def results(self, job):
        directory = results_dir(self.house.settings, job.id, job.attempt)
        return sorted(p.name for p in directory.iterdir()) if directory.exists() else []


@pytest.fixture
def bench(tmp_path, debian, test_cache):
    """A house with an inline queue and one project."""
    records = Records.open(f"sqlite:///{tmp_path / 'packhouse.db'}")
    storage = Storage(tmp_path, records)
    settings = BuilderSettings(
        data_dir=tmp_path,
        cache_dir=test_cache,
        chroots=(ChrootSettings("debian"),),
        build_timeout_s=120,
        disk_limit_bytes=1 << 30,
        heartbeat_s=0.2,
        lost_after_s=30,
    )
    house = BuilderHouse(
        records=records,
        storage=storage,
        queue=InlineQueue(),
        signer=None,
        settings=settings,
        bases=None,
        chroots={"debian": debian},
    )
    meta = ProjectMeta("home:anna", repositories=(Repository("debian", ("x86_64",)),))
    storage.put_project_meta(b"<project/>", meta, ANNA)
    worker.configure(house)
    yield Bench(house)
    records.close()


@pytest.fixture
def redis_server():
    """A redis-server of our own on a socket; its URL."""
    need.program("redis-server")
    directory = Path(tempfile.mkdtemp(prefix="packhouse-redis-"))
    socket = directory / "s"
    line = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", ""]
    process = subprocess.Popen([*line, "--dir", str(directory)], stdout=subprocess.DEVNULL)
    queue = RqQueue.from_url(f"unix://{socket}")
    until(queue.ping, "redis answers")
    yield f"unix://{socket}"
    queue.connection.close()
    process.terminate()
    process.wait()
    shutil.rmtree(directory)


@pytest.fixture
def workers(bench, redis_server):
    """The house on Redis, and a way to start workers."""
    queue = RqQueue.from_url(redis_server)
    house = replace(bench.house, queue=queue)
    bench.house = house
    started = []

    def start(**options):
        pid = os.fork()
        if pid == 0:
            os.setsid()
            try:
                worker.serve(house, queue, ("x86_64",), **options)
            finally:
                os._exit(0)
        started.append(pid)
        return pid

    yield start
    for pid in started:
        try:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
    queue.connection.close()


def until(condition, what, deadline_s=20):
    """Poll for a condition; its value."""
    deadline = time.monotonic() + deadline_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"timed out: {what}"
        time.sleep(0.02)
    return value
