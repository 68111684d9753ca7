"""Rows and files that a scheduler and its workers could have left."""

from pathlib import Path

from builder.artifacts import result_path
from builder.logs import log_path
from storage.model import Binary, Build, Job, JobState, Package, Publication, Target
from tests.facade.houses import Street

P = "/build/deb"
A = f"{P}/standard/x86_64"
K = f"{A}/hello"
LOG = b"[    0s] started\n" + b"line\n" * 1000
SRCMD5 = "5ad44c9e95ee3f61adfc493cebee4cc3"
RESULTS = {
    "_buildenv": (16963, {}),
    "_statistics": (288, {}),
    "hello_1.0.dsc": (468, {}),
    "hello_1.0.tar.xz": (628, {}),
    "hello_1.01.1_all.deb": (
        1076,
        {
            "name": "hello",
            "version": "1.01.1",
            "arch": "all",
            "source": "hello",
            "description": "test\ntest",
        },
    ),
    "hello_1.01.1_amd64.buildinfo": (4916, {}),
    "hello_1.01.1_amd64.changes": (847, {}),
}


class Yard:
    """A project with packages in every state; ``job`` is the one good build."""

    def __init__(self, street: Street) -> None:
        self.street = street
        street.project(
            "deb",
            "<repository name='standard'><arch>x86_64</arch></repository>"
            "<repository name='extra'><arch>i586</arch></repository>",
        )
        for name in ("empty", "hello", "off", "unres"):
            street.package("deb", name)
        self.target("empty", JobState.BROKEN, "no source uploaded")
        self.target("off", JobState.DISABLED)
        self.target("unres", JobState.UNRESOLVABLE, "nothing provides nothing-such >= 3")
        self.job = self.new_job(
            "hello", JobState.SUCCEEDED, result="succeeded", bcnt=1, ended_at=394
        )
        self.keep_results(self.job)
        self.target("hello", JobState.SUCCEEDED, job=self.job.id, good=self.job.id)
        self.publication("finished")
        self.settle()

    def settle(self) -> None:
        """Deal with everything that happened, as a scheduler does."""
        with self.street.house.records.begin() as unit:
            for event in unit.events.claim(1000, "test", 60, 0):
                unit.events.done(event.id)

    def row(self, name: str) -> Package:
        with self.street.house.records.read() as unit:
            return unit.packages.get("deb", name)

    def new_job(self, name: str, state: JobState, **fields: object) -> Job:
        package = self.row(name)
        facts: dict[str, object] = {
            "project_id": package.project_id,
            "package_id": package.id,
            "repository": "standard",
            "arch": "x86_64",
            "state": state,
            "attempt": 1,
            "rev": 1,
            "srcmd5": SRCMD5,
            "versrel": "1.0-1",
            "reason": {"explain": "new build", "time": 294},
            "worker": "vm:1",
            "created_at": 290,
            "queued_at": 294,
            "started_at": 300,
        }
        with self.street.house.records.begin() as unit:
            build = unit.builds.create(
                Build(0, package.project_id, "", package.id, name, "", 1, SRCMD5, "commit", None, 0)
            )
            return unit.jobs.create(**{**facts, "build_id": build.id, **fields})

    def target(
        self,
        name: str,
        code: JobState,
        details: str = "",
        *,
        job: int | None = None,
        good: int | None = None,
    ) -> None:
        package = self.row(name)
        reason = {"explain": "new build", "time": 294} if job else {}
        with self.street.house.records.begin() as unit:
            unit.targets.put(
                Target(
                    package.id,
                    name,
                    package.project_id,
                    "standard",
                    "x86_64",
                    code,
                    details,
                    job,
                    good,
                    "",
                    reason,
                )
            )

    def publication(
        self, state: str, *, whole: str = "", dirty: bool = False, details: str = ""
    ) -> None:
        project_id = self.row("hello").project_id
        with self.street.house.records.begin() as unit:
            unit.publications.put(
                Publication(project_id, "deb", "standard", "x86_64", state, details)
            )
            if whole:
                unit.publications.put(
                    Publication(project_id, "deb", "standard", "", whole, "", dirty)
                )

    def keep_results(self, job: Job) -> None:
        settings = self.street.house.builder.settings
        files = []
        for name, (size, header) in RESULTS.items():
            path = result_path(settings, job, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode().ljust(size, b"."))
            files.append(Binary(job.id, name, size, "0" * 32, "0" * 64, 389, header))
        self.log(job).write_bytes(LOG)
        with self.street.house.records.begin() as unit:
            unit.binaries.put_all(job.id, files)

    def log(self, job: Job) -> Path:
        path = log_path(self.street.house.builder.settings, job)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
