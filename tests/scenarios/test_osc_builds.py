"""Asking osc about builds, over rows that a scheduler could have left."""

from collections.abc import Callable

import pytest

from storage.model import JobState
from tests.facade.houses import Street
from tests.facade.obs.yard import Yard

from .osc import Osc

Desks = Callable[[str], Osc]
PLACE = ("deb", "hello", "standard", "x86_64")


@pytest.fixture
def yard(street: Street) -> Yard:
    return Yard(street)


@pytest.fixture
def user(yard: Yard, osc: Desks) -> Osc:
    return osc("user")


def test_results_and_what_they_are_made_of(user: Osc) -> None:
    said = user("results", "deb", "hello")
    assert "succeeded" in said
    assert "nothing provides nothing-such" in user("results", "-v", "deb", "unres")
    assert "standard;" in user("prjresults", "--csv", "deb").replace("/x86_64", ";")
    assert "hello_1.01.1_all.deb" in user("list", "-b", "deb", "hello")
    user("getbinaries", *PLACE)
    assert (user.desk / "binaries" / "hello_1.01.1_all.deb").stat().st_size == 1076


def test_logs_histories_and_reasons(user: Osc) -> None:
    log = user("buildlog", *PLACE)
    assert log.startswith("[    0s] started\nline\n")
    assert log.count("line\n") == 1000
    assert user("buildlog", "-o", "5012", *PLACE).strip() == "line"
    assert "new build" in user("triggerreason", *PLACE)
    assert "1.0-1.1" in user("buildhistory", *PLACE)
    assert "vm:1" in user("jobhistory", *PLACE)
    assert "%define _project deb" in user("buildconfig", "deb", "standard")


def test_commands_to_the_builder(user: Osc, yard: Yard, osc: Desks, street: Street) -> None:
    assert "403" in user.fails("rebuild", "deb", "hello")
    chief = osc("Admin")
    assert chief("rebuild", *PLACE).strip() == "ok"
    job = yard.new_job("hello", JobState.BUILDING)
    yard.target("hello", JobState.SCHEDULED, job=job.id, good=yard.job.id)
    assert chief("abortbuild", "deb", "hello").strip() == "ok"
    with street.house.records.read() as unit:
        assert unit.jobs.get(job.id).state is JobState.CANCELED
    assert chief("wipebinaries", "--all", "deb").strip() == "ok"
    assert "hello_1.01.1_all.deb" not in user("list", "-b", "deb", "hello")
