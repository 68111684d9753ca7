"""The short way to ask and the long one give the same answers."""

import pytest
from sqlalchemy import bindparam, select

from storage.records.plain import plain
from storage.records.tables.sources import revisions
from tests.contracts.making import package, project, revision


@pytest.fixture
def hello(records):
    with records.begin() as unit:
        return package(unit, project(unit, "a"), "hello")


def test_a_question_answers_alike_the_first_time_and_later(records, hello):
    with records.begin() as unit:
        unit.revisions.append(hello.id, revision(1), "op")
    for _ in range(4):
        with records.read() as unit:
            assert unit.revisions.latest(hello.id) == revision(1)
            assert unit.revisions.by_operation(hello.id, "op") == revision(1)
            assert unit.revisions.by_operation(hello.id, "other") is None
            assert unit.packages.by_id(hello.id) == hello
            assert unit.revisions.history(hello.id, "source") == [revision(1)]


def test_a_statement_made_from_another_is_asked_for_itself(records, hello):
    with records.begin() as unit:
        for number in (1, 2):
            unit.revisions.append(hello.id, revision(number), None)
    wide = select(revisions.c.number).where(revisions.c.package_id == bindparam("package"))
    with records.read() as unit:
        ask = unit.revisions._tx
        for _ in range(4):
            assert sorted(ask.values(wide, package=hello.id)) == [1, 2]
            assert ask.values(wide.where(revisions.c.number == 2), package=hello.id) == [2]
        narrow = wide.where(revisions.c.number == 1)
        for _ in range(4):
            assert ask.values(narrow, package=hello.id) == [1]
        assert sorted(ask.values(wide, package=hello.id)) == [1, 2]


def test_lists_of_values_have_no_plain_form(records):
    several = select(revisions.c.number).where(
        revisions.c.number.in_(bindparam("numbers", expanding=True))
    )
    with records.read() as unit:
        dialect = unit.revisions._tx._connection.dialect
        assert [plain(several, dialect) for _ in range(3)] == [None, None, None]
        assert unit.revisions._tx.values(several, numbers=[1, 2]) == []
