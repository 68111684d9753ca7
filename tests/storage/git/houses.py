"""A small house for tests: storage over a temporary directory, with a clock that ticks."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from storage.git.context import MetaReaders
from storage.house import PackageStore, Storage, StorageLimits
from storage.model import (
    Author,
    CommitResult,
    Listing,
    PackageMeta,
    ProjectMeta,
    Repository,
)
from storage.names import LATEST
from storage.records import Records
from storage.records.codec import dumps, loads

ANNA = Author("anna", "Anna Ångström", "anna@example.org")
BERT = Author("bert")
START = 1_700_000_000


class Clock:
    """Every look at it is a second later."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> float:
        self.now += 1
        return float(self.now)


def raw_of(meta: ProjectMeta | PackageMeta) -> bytes:
    """Stands in for the XML document: the parsed form as text."""
    return dumps(meta).encode()


READERS = MetaReaders(
    project=lambda raw: loads(ProjectMeta, raw.decode()),
    package=lambda raw: loads(PackageMeta, raw.decode()),
)


@dataclass
class SmallHouse:
    path: Path
    storage: Storage
    records: Records
    clock: Clock

    def project(self, name: str = "home:anna", *, builds: bool = True) -> ProjectMeta:
        repositories = (Repository("standard", ("x86_64",)),) if builds else ()
        meta = ProjectMeta(name=name, repositories=repositories)
        self.storage.put_project_meta(raw_of(meta), meta, ANNA, "new project")
        return meta

    def package(self, name: str = "hello", project: str = "home:anna") -> PackageStore:
        meta = PackageMeta(name, project)
        self.storage.put_package_meta(raw_of(meta), meta, ANNA, "new package")
        return self.storage.package(project, name)

    def hello(self) -> PackageStore:
        self.project()
        return self.package()

    def put(
        self, store: PackageStore, name: str, content: bytes, comment: str = "", **more: str
    ) -> CommitResult:
        with self.storage.stage([content]) as staged:
            return store.put_file(name, staged, ANNA, comment, **more)

    def store(self, store: PackageStore, name: str, content: bytes) -> None:
        with self.storage.stage([content]) as staged:
            store.store_content(name, staged)

    def upload(self, store: PackageStore, name: str, content: bytes) -> Listing:
        with self.storage.stage([content]) as staged:
            return store.upload_file(name, staged, ANNA)

    def reopened(self, limits: StorageLimits | None = None) -> SmallHouse:
        """The same directory, opened by a program that knows nothing of the first one."""
        return open_house(self.path, limits=limits, clock=self.clock)


def open_house(
    path: Path,
    *,
    limits: StorageLimits | None = None,
    clock: Clock | None = None,
    url: str | None = None,
    **more: object,
) -> SmallHouse:
    clock = clock or Clock()
    migrate = url is not None
    if url is None:
        database = path / "packhouse.db"
        if not database.exists():
            shutil.copyfile(_empty_database(), database)
        url = f"sqlite:///{database}"
    records = Records.open(url, migrate=migrate)
    storage = Storage(
        path / "data",
        records,
        replace(limits or StorageLimits(), heal_timeout_s=10.0),
        clock,
        metas=READERS,
        **more,  # type: ignore[arg-type]
    )
    return SmallHouse(path, storage, records, clock)


@functools.cache
def _empty_database() -> Path:
    """A database with its schema; making it costs more than most tests."""
    directory = Path(tempfile.mkdtemp(prefix="packhouse-test-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    Records.open(f"sqlite:///{directory / 'empty.db'}").close()
    return directory / "empty.db"


def git(repository: Path, *arguments: str, check: bool = True, data: bytes | None = None) -> str:
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", str(repository), *arguments],
        input=data,
        capture_output=True,
        check=False,
        env={**os.environ, "GIT_LFS_SKIP_SMUDGE": "1"},
    )
    if check and done.returncode:
        raise AssertionError(f"git {arguments}: {done.stderr.decode()}")
    return done.stdout.decode()


def fsck_is_clean(repository: Path) -> bool:
    done = subprocess.run(
        ["git", "-C", str(repository), "fsck", "--strict", "--full", "--no-dangling"],
        capture_output=True,
        check=False,
    )
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0 and "error" not in said and "missing" not in said, said
    return True


def names(store: PackageStore) -> list[str]:
    return [entry.name for entry in store.listing(LATEST)[1].entries]


def content(store: PackageStore, name: str) -> bytes:
    return store.file(name, LATEST).read()
