"""Short ways to make records for tests."""

from storage.model import (
    Build,
    Entry,
    JobState,
    Listing,
    Package,
    PackageMeta,
    Project,
    ProjectMeta,
    Revision,
)
from storage.records import Unit


def project(unit: Unit, name: str, at: int = 1, **meta) -> Project:
    number = len(unit.projects.list()) + at
    return unit.projects.create(name, f"p-{name}-{number}", ProjectMeta(name, **meta), at)


def package(unit: Unit, owner: Project, name: str, at: int = 1, **meta) -> Package:
    described = PackageMeta(name, owner.name, **meta)
    return unit.packages.create(owner.id, name, f"k-{owner.id}-{name}-{at}", described, at)


def revision(number: int, kind: str = "source", **changed) -> Revision:
    fields = {
        "commit": f"{number:040x}",
        "tree": f"{number % 7:040x}",
        "srcmd5": f"{number % 7:032x}",
        "version": "1.0",
        "vrev": number,
        "user": "anna",
        "comment": f"change {number}",
        "time": 1_700_000_000 + number,
    }
    return Revision(kind=kind, number=number, **(fields | changed))


def listing(number: int, files: int = 3) -> Listing:
    entries = tuple(
        Entry(f"file-{n}", f"{n:032x}", n * 10, 1_700_000_000 + n, f"{n:040x}")
        for n in range(files)
    )
    return Listing(f"{number:040x}", f"{number:032x}", entries)


def build(unit: Unit, of: Package, **changed) -> Build:
    fields = {
        "id": 0,
        "project_id": of.project_id,
        "project": "",
        "package_id": of.id,
        "package": of.name,
        "commit": "c" * 40,
        "rev": 1,
        "srcmd5": "5" * 32,
        "cause": "commit",
        "submitter": "anna",
        "created_at": 10,
    }
    return unit.builds.create(Build(**(fields | changed)))


def job(unit: Unit, of: Package, within: Build | None = None, **changed):
    fields = {
        "build_id": (within or build(unit, of)).id,
        "project_id": of.project_id,
        "package_id": of.id,
        "repository": "standard",
        "arch": "x86_64",
        "state": JobState.SCHEDULED,
        "owner": "anna",
        "created_at": 10,
    }
    return unit.jobs.create(**(fields | changed))
