"""A house with the git door open, on a real socket."""

import contextlib
import copy
import functools
import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

from facade.git import register
from facade.identity import Doorkeeper
from facade.sessions import Sessions
from facade.settings import load
from storage import passwords
from storage.house import Storage
from storage.limits import StorageLimits
from storage.model import Author, Grant, PackageMeta, PathEntry, ProjectMeta, Repository
from storage.names import LATEST
from storage.records import Records
from tests.gitclient import Git, init, served
from tests.support import need

PASSWORD = "correct-horse"
_HASH = passwords.hash(PASSWORD)


@functools.cache
def _empty_database():
    """A migrated SQLite file, made once: migrating costs more than most tests."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "empty.db"
        Records.open(f"sqlite:///{path}").close()
        return path.read_bytes()


class GitHouse:
    """People anna, bert and carl, and a project of anna's with the package hello; no builder."""

    def __init__(self, data_dir, **settings):
        Path(f"{data_dir}.db").write_bytes(_empty_database())
        self.open(data_dir, **settings)
        for login in ("anna", "bert", "carl"):
            self.person(login)
        self.fresh()

    def open(self, data_dir, **settings):
        """Open what another process may have made."""
        self.data_dir = data_dir
        self.settings = load(None, {}, data_dir=data_dir, **settings)
        self.records = Records.open(f"sqlite:///{data_dir}.db")
        limits = StorageLimits(
            large_binary_bytes=100_000, lock_timeout_s=self.settings.limits.lock_timeout_s
        )
        self.storage = Storage(data_dir, self.records, limits)
        self.clock = time.time

    def fresh(self):
        """The same house seen from a project of its own, so that tests can share a house."""
        view = copy.copy(self)
        self.home = view.home = f"home:anna:{secrets.token_hex(4)}"
        view.project(view.home)
        view.package(view.home, "hello")
        return view

    def person(self, login, **fields):
        with self.records.begin() as unit:
            unit.accounts.create(login, f"{login}@example.org", login.title(), _HASH, **fields)

    def project(self, name, *, maintainers=("anna",), repositories=(), flags=()):
        owner = maintainers[0]
        grants = (Grant("person", "carl", "reader"),)
        grants += tuple(Grant("person", login, "maintainer") for login in maintainers)
        meta = ProjectMeta(name, grants=grants, repositories=repositories, flags=tuple(flags))
        self.storage.put_project_meta(f"<project name='{name}'/>".encode(), meta, Author(owner))

    def grant(self, login):
        """Make somebody maintainer beside anna."""
        self.project(self.home, maintainers=("anna", login))

    def package(self, project, name, *, flags=()):
        meta = PackageMeta(name, project, flags=tuple(flags))
        self.storage.put_package_meta(b"<package/>", meta, Author("anna"))

    def store(self, package="hello"):
        return self.storage.package(self.home, package)

    def put(self, name, content, package="hello"):
        """Commit a file over the HTTP door's function."""
        with self.storage.stage([content]) as staged:
            return self.store(package).put_file(name, staged, Author("anna"), "by http")

    def names(self, package="hello"):
        return [entry.name for entry in self.store(package).listing(LATEST)[1].entries]

    def revisions(self, package="hello"):
        return self.store(package).history()

    def leftovers(self):
        """Names in the directory for temporary files."""
        return sorted(path.name for path in self.storage.tmp.iterdir())

    def app(self):
        house = SimpleNamespace(
            settings=self.settings, records=self.records, storage=self.storage, clock=self.clock
        )
        app = Flask("git-door")
        app.extensions["packhouse.doorkeeper"] = Doorkeeper(self.records, Sessions(b"k" * 32))
        register(app, house)
        return app


BUILDING = (Repository("standard", ("x86_64",), (PathEntry("Debian:12", "standard"),)),)


@dataclass
class Door:
    """Where the house is served."""

    house: GitHouse
    base: str

    def url(self, login=None, package="hello", project=None, password=PASSWORD):
        base, project = self.base, project or self.house.home
        if login is not None:
            base = base.replace("://", f"://{login}:{password}@")
        return f"{base}/git/{project}/{package}.git"


@contextlib.contextmanager
def open_door(data_dir, **settings):
    """A house of its own, for tests that need other settings."""
    house = GitHouse(data_dir, **settings)
    with served(house.app()) as base:
        yield Door(house, base)
    house.records.close()


@pytest.fixture(scope="session")
def native_house(tmp_path_factory):
    need.program("git")
    with open_door(tmp_path_factory.mktemp("native") / "data") as door:
        yield door


@pytest.fixture(scope="session")
def dulwich_house(tmp_path_factory):
    with open_door(tmp_path_factory.mktemp("dulwich") / "data", native_git=False) as door:
        yield door


@pytest.fixture(params=["native", "dulwich"])
def door(request):
    """The door with either implementation behind it, and a project of the test's own."""
    shared = request.getfixturevalue(f"{request.param}_house")
    return Door(shared.house.fresh(), shared.base)


@pytest.fixture
def native_door(native_house):
    """The door with native git behind it, where the implementation does not matter."""
    return Door(native_house.house.fresh(), native_house.base)


@pytest.fixture
def work(tmp_path):
    """An empty repository of the client."""
    need.program("git")
    return init(tmp_path / "work")


@pytest.fixture
def clone(tmp_path):
    """Clones a URL into a new directory."""

    def make(url, name="clone", *options):
        Git(tmp_path)("clone", "--quiet", *options, url, name)
        return Git(tmp_path / name)

    return make
