"""Every question asked per request is answered from an index, however much there is."""

from contextlib import suppress

import pytest
from sqlalchemy import event

from storage.model import EventKind, Grant, JobState, PathEntry, Publication, Repository, Target
from storage.records import Records
from tests.contracts.making import job, listing, package, project, revision


class Undo(Exception):
    """Ends a unit without keeping what a question changed."""


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """One of everything, each with number 1."""
    opened = Records.open(f"sqlite:///{tmp_path_factory.mktemp('plans')}/records.db")
    with opened.begin() as unit:
        paths = (Repository("standard", ("x86_64",), (PathEntry("base", "standard"),)),)
        grants = (Grant("person", "anna", "maintainer"), Grant("group", "qa", "reviewer"))
        owner = project(unit, "a:b", repositories=paths, grants=grants)
        hello = package(unit, owner, "hello", grants=grants)
        unit.revisions.append(hello.id, revision(1), "op")
        unit.listings.put(listing(1))
        made = job(unit, hello)
        unit.targets.put(
            Target(hello.id, "hello", owner.id, "standard", "x86_64", JobState.BLOCKED)
        )
        unit.publications.put(Publication(owner.id, "a:b", "standard", "", dirty=True))
        unit.accounts.create("anna")
        unit.groups.create("qa", members=["anna"])
        unit.tokens.create(1, "api", "pub", "hash")
        unit.events.append(EventKind.SOURCE_CHANGED, "a:b", "hello", {})
        assert (owner.id, hello.id, made.id) == (1, 1, 1)

    yield opened
    opened.close()


def plan_of(records, call) -> list[str]:
    """Call something with a unit; SQLite's plan of each question it asked."""
    asked, steps = [], []

    def note(connection, cursor, statement, parameters, context, many):
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            asked.append((statement, parameters[0] if many else parameters))

    with suppress(Undo), records.begin() as unit:
        connection = unit.projects._tx._connection
        # The short way of asking sends the same text, but tells nobody.
        unit.projects._tx._driver = None
        event.listen(connection, "before_cursor_execute", note)
        call(unit)
        event.remove(connection, "before_cursor_execute", note)
        for statement, parameters in asked:
            explained = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps += [row[3] for row in explained]
        raise Undo
    return steps


QUESTIONS = {
    "project by name": lambda u: u.projects.find("a:b"),
    "project by id": lambda u: u.projects.by_id(1),
    "projects by prefix": lambda u: u.projects.list("a:", after="a:a", limit=10),
    "deleted project": lambda u: u.projects.deleted("a:b") if u.projects.all_deleted() else None,
    "referencing": lambda u: u.projects.referencing("base"),
    "referencing a repository": lambda u: u.projects.referencing("base", "standard"),
    "projects of an owner": lambda u: u.projects.of_owner(["a:", "b:"]),
    "package by name": lambda u: u.packages.get("a:b", "hello"),
    "package by id": lambda u: u.packages.by_id(1),
    "packages of one name": lambda u: u.packages.named("hello"),
    "package within a project": lambda u: u.packages.within(1, "hello"),
    "package by container": lambda u: u.packages.by_container("k"),
    "package names": lambda u: u.packages.list(1, after="a", limit=10),
    "page of packages": lambda u: u.packages.page(1, 0, 10, newest_first=True),
    "count of packages": lambda u: u.packages.count(1),
    "deleted package": lambda u: u.packages.deleted_names(1),
    "devel packages": lambda u: u.packages.devel_of("a", "b"),
    "revision by number": lambda u: u.revisions.get(1, "source", 1),
    "latest revision": lambda u: u.revisions.latest(1, "source"),
    "revision by commit": lambda u: u.revisions.by_commit(1, "source", "c"),
    "revision by srcmd5": lambda u: u.revisions.by_srcmd5(1, "source", "c"),
    "revision by operation": lambda u: u.revisions.by_operation(1, "op"),
    "history": lambda u: u.revisions.history(1, "source", limit=10),
    "check-in counter": lambda u: u.revisions.max_vrev(1, "1.0"),
    "listing by tree": lambda u: u.listings.get("t"),
    "listing by srcmd5": lambda u: u.listings.known("s", 1),
    "content by md5": lambda u: u.contents.find(1, "f", "m"),
    "first time of a blob": lambda u: u.contents.first_stored(1, ["b"]),
    "large object": lambda u: u.contents.large_object("s"),
    "account": lambda u: u.accounts.find("anna"),
    "password": lambda u: u.accounts.password_hash("anna"),
    "token by login": lambda u: u.tokens.by_login("pub"),
    "tokens of an account": lambda u: u.tokens.of_account(1, "api"),
    "groups of an account": lambda u: u.groups.of_account("anna"),
    "group": lambda u: u.groups.find("qa"),
    "roles": lambda u: u.roles.roles_of("anna", "a:b", "hello"),
    "roles on a project": lambda u: u.roles.roles_of("anna", "a:b"),
    "projects by role": lambda u: u.roles.projects_where("anna", "maintainer"),
    "packages by role": lambda u: u.roles.packages_where("anna", "maintainer"),
    "claim events": lambda u: u.events.claim(5, "w", 60, 100),
    "finish an event": lambda u: u.events.done(1),
    "build": lambda u: u.builds.get(1),
    "builds of a project": lambda u: u.builds.list_for(1, limit=10),
    "builds of a package": lambda u: u.builds.list_for(1, 1, limit=10),
    "latest build": lambda u: u.builds.latest(1),
    "latest success": lambda u: u.builds.latest_succeeded(1),
    "delete a build": lambda u: u.builds.delete(1),
    "job": lambda u: u.jobs.get(1),
    "jobs of a build": lambda u: u.jobs.of_build(1),
    "open job": lambda u: u.jobs.open_for(1, "standard", "x86_64"),
    "jobs of builds": lambda u: u.jobs.of_builds([1, 2]),
    "stale sources": lambda u: u.builds.stale_sources(5),
    "source heartbeat": lambda u: u.builds.beat_source(1, 0, 5),
    "granted large file": lambda u: u.contents.granted_large(1, "s"),
    "packages by name": lambda u: u.packages.page(1, 0, 10, by_name=True),
    "devel packages of a project": lambda u: u.packages.developed_in("a"),
    "jobs by state": lambda u: u.jobs.with_state([JobState.BUILDING]),
    "change of state": lambda u: u.jobs.transition(1, [JobState.SCHEDULED], JobState.BUILDING),
    "heartbeat": lambda u: u.jobs.beat(1, 0, 5),
    "stale jobs": lambda u: u.jobs.stale(5),
    "job history": lambda u: u.jobs.history(1, "standard", "x86_64", limit=5),
    "successes": lambda u: u.jobs.successes(1, "standard", "x86_64"),
    "build counter": lambda u: u.jobs.max_bcnt(1, "standard", "1-1"),
    "waiting owners": lambda u: u.jobs.owners_waiting("x86_64", "default"),
    "next jobs": lambda u: u.jobs.next_for("anna", "x86_64", "default", 5),
    "target": lambda u: u.targets.get(1, "standard", "x86_64"),
    "targets of a project": lambda u: u.targets.of_project(1, "standard", "x86_64"),
    "targets of a package": lambda u: u.targets.of_package(1),
    "pool": lambda u: u.binaries.pool(1, "standard", "x86_64"),
    "results": lambda u: u.binaries.of_job(1),
    "publication": lambda u: u.publications.get(1, "standard"),
    "dirty publications": lambda u: u.publications.dirty(),
    "key": lambda u: u.keys.get("a:b"),
    "locks": lambda u: u.locks.list(1, path="f"),
}

IN_ORDER = [
    "projects by prefix",
    "package names",
    "page of packages",
    "packages by name",
    "latest revision",
    "history",
    "claim events",
    "builds of a project",
    "builds of a package",
    "latest build",
    "open job",
    "jobs by state",
    "job history",
    "next jobs",
    "waiting owners",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_reads_a_whole_table(records, question):
    steps = plan_of(records, QUESTIONS[question])
    scans = [step for step in steps if step.startswith("SCAN")]
    assert [step for step in scans if not step.endswith("INDEX ix_projects_deleted")] == []


@pytest.mark.parametrize("question", IN_ORDER)
def test_pages_come_out_of_the_index_in_order(records, question):
    steps = plan_of(records, QUESTIONS[question])
    assert steps
    assert [step for step in steps if "TEMP B-TREE" in step] == []
