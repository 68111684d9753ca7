"""A builder's house with real storage, in which source parts are run."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from builder.chroots.bases import BaseSpec
from builder.chroots.bubblewrap import Bubblewrap
from builder.house import BuilderHouse, BuilderSettings, ChrootSettings
from builder.queue import InlineQueue
from builder.signers.none import NoSigner
from builder.srpm.places import source_dir, upload_dir
from builder.srpm.run import run_source
from storage.house import Storage
from storage.model import (
    Author,
    Build,
    Grant,
    PackageMeta,
    PathEntry,
    ProjectMeta,
    Repository,
    SourceState,
)
from storage.names import LATEST
from storage.records import Records

ANNA = Author("anna", "Anna Example", "anna@example.org")
PROJECT = "home:anna:tools"


def render_package_meta(meta):
    return f"<package name='{meta.name}' project='{meta.project}'/>".encode()


@dataclass
class Workshop:
    """Short ways to make builds and look at what became of them."""

    house: BuilderHouse
    errors: list[str] = field(default_factory=list)

    def project(self, name=PROJECT, **fields: Any) -> None:
        target = Repository("debian-12", ("x86_64",), (PathEntry("Debian:12", "standard"),))
        grants = (Grant("person", "anna", "maintainer"),)
        meta = ProjectMeta(name, grants=grants, repositories=(target,), **fields)
        self.house.storage.put_project_meta(b"<project/>", meta, ANNA)

    def package(self, name: str, project=PROJECT, **files: str) -> None:
        meta = PackageMeta(name, project)
        storage = self.house.storage
        storage.put_package_meta(render_package_meta(meta), meta, ANNA)
        staged = {n.replace("__", "."): storage.stage([t.encode()]) for n, t in files.items()}
        if staged:
            storage.package(project, name).import_tree(staged, ANNA, "first")

    def submit(self, kind: str, source: dict[str, Any], **fields: Any) -> Build:
        with self.house.records.begin() as unit:
            project = unit.projects.get(PROJECT)
            row = Build(
                0, project.id, PROJECT, None, "", "", 0, "", "copr", "anna", 1_700_000_000,
                SourceState.PENDING, kind, source,
            )  # fmt: skip
            build = unit.builds.create(row)
            return unit.builds.update(build.id, **fields) if fields else build

    def upload(self, path: Path, **fields: Any) -> Build:
        build = self.submit("upload", {"pkg": path.name}, **fields)
        directory = upload_dir(self.house.settings.data_dir, build.id)
        directory.mkdir(parents=True)
        (directory / path.name).write_bytes(path.read_bytes())
        return build

    def run(self, build: Build, attempt: int = 0) -> Build:
        """One attempt, in a process of its own as a worker gives it."""
        pid = os.fork()
        if not pid:
            try:
                run_source(self.house, build.id, attempt)
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        return self.look(build)

    def look(self, build: Build) -> Build:
        with self.house.records.read() as unit:
            return unit.builds.get(build.id)

    def events(self):
        with self.house.records.begin() as unit:
            return unit.events.claim(100, "test", 60, 0)

    def files(self, name: str, project=PROJECT) -> dict[str, bytes]:
        store = self.house.storage.package(project, name)
        _, listing = store.listing(LATEST)
        return {e.name: b"".join(store.open(e).chunks()) for e in listing.entries}

    def kept(self, build: Build) -> set[str]:
        return {path.name for path in source_dir(self.house.settings.data_dir, build.id).iterdir()}

    def log(self, build: Build) -> str:
        import gzip

        directory = source_dir(self.house.settings.data_dir, build.id)
        return gzip.decompress((directory / "builder-live.log.gz").read_bytes()).decode()


@pytest.fixture(scope="session")
def roots(tmp_path_factory):
    """Where base roots are kept for all tests."""
    return tmp_path_factory.mktemp("roots")


@pytest.fixture
def shop(tmp_path, roots):
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    records = Records.open(f"sqlite:///{data_dir}/packhouse.db")
    with records.begin() as unit:
        unit.accounts.create("anna", "anna@example.org", "Anna Example")
        unit.accounts.create("bert", "bert@example.org", "Bert Example")
    settings = BuilderSettings(
        data_dir,
        tmp_path / "cache",
        chroots=(ChrootSettings(kind="host"),),
        public_url="https://packhouse.example",
        private_networks=True,
        disk_limit_bytes=1 << 30,
        heartbeat_s=0.2,
    )
    house = BuilderHouse(
        records,
        Storage(data_dir, records),
        InlineQueue(),
        NoSigner(),
        settings,
        None,
        chroots={"debian-12-x86_64": LazyChroot(roots)},
        render_package_meta=render_package_meta,
    )
    shop = Workshop(house)
    shop.project()
    yield shop
    records.close()


class LazyChroot:
    """The machine as a root, made when something is to be run in it."""

    name = "debian-12-x86_64"

    def __init__(self, cache_dir):
        self._cache_dir = cache_dir
        self._made = None

    def __getattr__(self, name):
        if self._made is None:
            self._made = Bubblewrap(self.name, BaseSpec(kind="host"), self._cache_dir)
        return getattr(self._made, name)
