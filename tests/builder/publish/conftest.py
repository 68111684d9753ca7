"""A builder's house with records, signer and build results, but no builds."""

import hashlib
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from builder.house import BuilderHouse, BuilderSettings
from builder.prjconf import parse_config
from builder.publish import publish
from builder.signers import SequoiaSigner
from storage.model import (
    Binary,
    Build,
    JobState,
    PackageMeta,
    ProjectMeta,
    Repository,
    Target,
)
from storage.records import Records
from tests.support import need

from . import packages


@dataclass
class Bench:
    """The house and short words to fill it."""

    house: BuilderHouse
    now: list[float]
    ids: dict = field(default_factory=dict)

    @property
    def published(self) -> Path:
        return self.house.settings.data_dir / "published"

    def project(self, name="home:anna", arches=("x86_64",), repositories=("standard",), **meta):
        meta = ProjectMeta(
            name,
            repositories=tuple(Repository(r, tuple(arches)) for r in repositories),
            **meta,
        )
        with self.house.records.begin() as unit:
            found = unit.projects.find(name)
            if found:
                unit.projects.update_meta(found.id, meta)
                return
            made = unit.projects.create(name, f"c-{name}-{self.now[0]}", meta, int(self.now[0]))
            self.ids[name] = made.id

    def package(self, name, project="home:anna", flags=()):
        meta = PackageMeta(name, project, flags=tuple(flags))
        with self.house.records.begin() as unit:
            found = unit.packages.find(project, name)
            if found:
                unit.packages.update_meta(found.id, meta)
                return found.id
            return unit.packages.create(self.ids[project], name, f"c-{project}-{name}", meta, 1).id

    def succeed(self, package, files, project="home:anna", arch="x86_64", repository="standard"):
        """Let a package have these files as its current result."""
        package_id = self.package_id(project, package)
        with self.house.records.begin() as unit:
            project_id = self.ids[project]
            build = unit.builds.create(
                Build(0, project_id, project, package_id, package, "c", 1, "s", "commit", None, 1)
            )
            job = unit.jobs.create(
                build_id=build.id,
                project_id=project_id,
                package_id=package_id,
                repository=repository,
                arch=arch,
                state=JobState.SUCCEEDED,
                attempt=1,
            )
            results = self.house.settings.job_dir(job.id, 1) / "results"
            results.mkdir(parents=True)
            binaries = []
            for file in files:
                data = Path(file).read_bytes()
                shutil.copy2(file, results / Path(file).name)
                binaries.append(
                    Binary(
                        job.id,
                        Path(file).name,
                        len(data),
                        hashlib.md5(data).hexdigest(),
                        hashlib.sha256(data).hexdigest(),
                        1_700_000_000,
                    )
                )
            unit.binaries.put_all(job.id, binaries)
            unit.targets.put(
                Target(
                    package_id,
                    package,
                    project_id,
                    repository,
                    arch,
                    JobState.SUCCEEDED,
                    job_id=job.id,
                    good_job_id=job.id,
                )
            )
        return job

    def fail(self, package, project="home:anna", arch="x86_64", repository="standard", **change):
        package_id = self.package_id(project, package)
        with self.house.records.begin() as unit:
            target = unit.targets.get(package_id, repository, arch) or Target(
                package_id, package, self.ids[project], repository, arch, JobState.FAILED
            )
            unit.targets.put(replace(target, code=JobState.FAILED, **change))

    def package_id(self, project, name):
        with self.house.records.read() as unit:
            found = unit.packages.find(project, name)
        return found.id if found else self.package(name, project)

    def publish(self, project="home:anna", repository="standard", config=""):
        self.now[0] += 1
        return publish(self.house, project, repository, parse_config(config, "x86_64"))

    def tree(self, project="home:anna", repository="standard"):
        """Paths of everything in a published tree."""
        from builder.publish import generations

        top = generations(self.house).place(project, repository)
        return {str(p.relative_to(top)) for p in top.rglob("*") if p.is_file()}

    def packages_in(self, project="home:anna", repository="standard"):
        suffixes = (".rpm", ".deb", ".dsc", ".tar.xz", ".iso")
        return {p for p in self.tree(project, repository) if p.endswith(suffixes)}

    def events(self):
        with self.house.records.begin() as unit:
            return unit.events.claim(100, "test", 0, int(self.now[0]))

    def row(self, project="home:anna", repository="standard"):
        with self.house.records.read() as unit:
            return unit.publications.get(self.ids[project], repository)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    path = tmp_path_factory.mktemp("records") / "empty.db"
    Records.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def signer(tmp_path):
    need.program("gpg")
    return SequoiaSigner(tmp_path / "data" / "keys")


@pytest.fixture
def bench(tmp_path, empty_database, signer):
    data = tmp_path / "data"
    data.mkdir(exist_ok=True)
    shutil.copy(empty_database, data / "packhouse.db")
    records = Records.open(f"sqlite:///{data}/packhouse.db")
    now = [1_700_000_000.0]
    house = BuilderHouse(
        records=records,
        storage=None,
        queue=None,
        signer=signer,
        settings=BuilderSettings(data, data / "cache", download_url="http://house/repositories"),
        bases=None,
        clock=lambda: now[0],
    )
    yield Bench(house, now)
    records.close()


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Package files by a short name, made once."""
    need.program("rpmbuild", "dpkg-deb")
    top = tmp_path_factory.mktemp("built")
    binary, source = packages.make_rpm(top, "hello")
    newer, newer_source = packages.make_rpm(top, "hello", "2.0", content="hello again")
    other, _ = packages.make_rpm(top, "other")
    machine, _ = packages.make_rpm(top, "machine", arch="x86_64")
    debug, _ = packages.make_rpm(top, "hello-debuginfo")
    rival, _ = packages.make_rpm(top / "rival", "hello", "9.0")
    dsc, tarball = packages.make_dsc(top / "dsc")
    return {
        "hello": binary,
        "hello-src": source,
        "hello-2": newer,
        "hello-2-src": newer_source,
        "other": other,
        "machine": machine,
        "hello-debuginfo": debug,
        "rival": rival,
        "hello-deb": packages.make_deb(top),
        "hello-deb-2": packages.make_deb(top, version="2.0", content="again"),
        "tool-deb": packages.make_deb(top, "tool", arch="amd64"),
        "dsc": dsc,
        "tarball": tarball,
    }
