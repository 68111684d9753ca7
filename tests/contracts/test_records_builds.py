"""Events, builds and jobs in the records."""

from dataclasses import replace

import pytest

from storage.errors import UnknownBuild
from storage.model import EventKind, JobState, SourceState
from tests.contracts.making import build, job, package, project


@pytest.fixture
def hello(records):
    with records.begin() as unit:
        return package(unit, project(unit, "a"), "hello")


def test_events_are_claimed_oldest_first_and_once(records):
    with records.begin() as unit:
        made = [
            unit.events.append(EventKind.SOURCE_CHANGED, "a", f"p{n}", {"rev": n}, n)
            for n in range(5)
        ]
        assert unit.events.claim(3, "one", 60, 100) == made[:3]
        assert unit.events.claim(9, "two", 60, 100) == made[3:]
        assert unit.events.claim(9, "two", 60, 100) == []
        assert unit.events.pending() == 5


def test_an_event_not_done_in_time_comes_again_before_newer_ones(records):
    with records.begin() as unit:
        first = unit.events.append(EventKind.META_CHANGED, "a")
        unit.events.claim(1, "one", 60, 100)
        second = unit.events.append(EventKind.REBUILD_ASKED, "b", None, {})
        assert unit.events.claim(9, "two", 60, 159) == [second]
        assert unit.events.claim(9, "two", 60, 160) == [first]


def test_an_event_done_is_gone(records):
    with records.begin() as unit:
        event = unit.events.append(EventKind.PROJECT_DELETED, "a")
        assert unit.events.done(event.id)
        assert not unit.events.done(event.id)
        assert unit.events.claim(9, "one", 60, 10**9) == []
        assert unit.events.pending() == 0


def test_a_build_comes_back_as_it_was_made(records, hello):
    with records.begin() as unit:
        made = build(
            unit, hello, source_state=SourceState.PENDING, source_dict={"url": "x"}, submitter=None
        )
        assert unit.builds.get(made.id) == made
        assert (made.project, made.package, made.source_dict) == ("a", "hello", {"url": "x"})
        assert made.source_state is SourceState.PENDING


def test_a_build_s_package_may_become_known_later(records, hello):
    with records.begin() as unit:
        made = build(unit, hello, package_id=None, package="")
        changed = unit.builds.update(
            made.id, package_id=hello.id, package="hello", source_state=SourceState.SUCCEEDED
        )
        assert changed == replace(made, package_id=hello.id, package="hello")
        with pytest.raises(TypeError):
            unit.builds.update(made.id, project="b")


def test_builds_are_listed_per_project_and_package(records, hello):
    with records.begin() as unit:
        other = package(unit, unit.projects.get("a"), "other")
        ids = [build(unit, owner).id for owner in (hello, other, hello, hello)]

        def listed(*args, **bounds):
            return [b.id for b in unit.builds.list_for(*args, **bounds)]

        assert listed(hello.project_id) == ids[::-1]
        assert listed(hello.project_id, hello.id) == [ids[3], ids[2], ids[0]]
        assert listed(hello.project_id, limit=2, offset=1, newest_first=False) == ids[1:3]
        assert [b.id for b in unit.builds.of_package(other.id)] == [ids[1]]
        assert unit.builds.latest(hello.id).id == ids[3]
        assert unit.builds.latest(99) is None


def test_builds_wait_by_source_state(records, hello):
    with records.begin() as unit:
        waiting = build(unit, hello, source_state=SourceState.PENDING)
        build(unit, hello)
        assert unit.builds.with_source_state([SourceState.PENDING]) == [waiting]


def test_the_latest_success_has_no_job_that_failed_or_is_open(records, hello):
    with records.begin() as unit:

        def outcome(*states):
            within = build(unit, hello)
            for number, state in enumerate(states):
                job(unit, hello, within, state=state, arch=f"arch{number}")
            return within

        assert unit.builds.latest_succeeded(hello.id) is None
        good = outcome(JobState.SUCCEEDED, JobState.EXCLUDED)
        outcome(JobState.SUCCEEDED, JobState.FAILED)
        outcome(JobState.SUCCEEDED, JobState.BUILDING)
        outcome(JobState.EXCLUDED)
        outcome()
        assert unit.builds.latest_succeeded(hello.id) == good


def test_build_numbers_are_never_reused(records, hello):
    with records.begin() as unit:
        first = build(unit, hello)
        work = job(unit, hello, first)
        unit.builds.delete(first.id)
        assert build(unit, hello).id > first.id
        assert job(unit, hello).id > work.id
        for ask in (unit.builds.get, unit.builds.delete, unit.builds.update):
            with pytest.raises(UnknownBuild):
                ask(first.id)
        with pytest.raises(UnknownBuild):
            unit.jobs.get(work.id)


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**50])
def test_a_number_no_build_can_have_is_unknown(records, number):
    with records.read() as unit:
        assert unit.jobs.of_build(number) == []
        with pytest.raises(UnknownBuild):
            unit.builds.get(number)
        with pytest.raises(UnknownBuild):
            unit.jobs.get(number)


def test_a_job_comes_back_as_it_was_made(records, hello):
    with records.begin() as unit:
        within = build(unit, hello)
        made = job(unit, hello, within, reason={"explain": "new build"}, record="a  b\n", rev=3)
        assert unit.jobs.get(made.id) == made
        assert unit.jobs.of_build(within.id) == [made]
        assert (made.project, made.package, made.attempt) == ("a", "hello", 0)
        assert (made.state, made.reason) == (JobState.SCHEDULED, {"explain": "new build"})


def test_a_job_moves_only_from_where_the_caller_believes_it_is(records, hello):
    with records.begin() as unit:
        made = job(unit, hello)
        waiting, running = [JobState.SCHEDULED, JobState.BLOCKED], [JobState.BUILDING]
        assert unit.jobs.transition(made.id, waiting, JobState.BUILDING, attempt=1, started_at=5)
        assert not unit.jobs.transition(made.id, waiting, JobState.BUILDING, attempt=2)
        late = unit.jobs.transition(made.id, running, JobState.FINISHED, if_attempt=0)
        assert not late
        found = unit.jobs.get(made.id)
        assert (found.state, found.attempt, found.started_at) == (JobState.BUILDING, 1, 5)
        assert unit.jobs.transition(made.id, running, JobState.FINISHED, if_attempt=1)
        assert not unit.jobs.transition(made.id + 1, running, JobState.FINISHED)
        with pytest.raises(TypeError):
            unit.jobs.transition(made.id, running, JobState.FINISHED, project="b")


def test_a_state_changes_by_transition_only(records, hello):
    with records.begin() as unit:
        made = job(unit, hello)
        assert unit.jobs.update(made.id, details="x", lost=1).details == "x"
        with pytest.raises(TypeError):
            unit.jobs.update(made.id, state=JobState.FAILED)


def test_the_open_job_of_a_target_is_the_newest_not_final(records, hello):
    with records.begin() as unit:

        def opened():
            return unit.jobs.open_for(hello.id, "standard", "x86_64")

        assert opened() is None
        old, new = job(unit, hello), job(unit, hello)
        job(unit, hello, arch="i586")
        assert opened().id == new.id
        unit.jobs.transition(new.id, [JobState.SCHEDULED], JobState.FAILED, result="failed")
        assert opened().id == old.id
        unit.jobs.transition(old.id, [JobState.SCHEDULED], JobState.CANCELED)
        assert opened() is None
        unit.jobs.transition(old.id, [JobState.CANCELED], JobState.SCHEDULED)
        assert opened().id == old.id


def test_a_heartbeat_counts_for_the_current_attempt_at_work(records, hello):
    with records.begin() as unit:
        made = job(unit, hello)
        assert not unit.jobs.beat(made.id, 0, 10)
        unit.jobs.transition(made.id, [JobState.SCHEDULED], JobState.BUILDING, attempt=2)
        assert unit.jobs.beat(made.id, 2, 20)
        assert not unit.jobs.beat(made.id, 1, 30)
        assert unit.jobs.get(made.id).heartbeat_at == 20


def test_stale_jobs_are_those_at_work_without_a_sign_of_life(records, hello):
    with records.begin() as unit:
        silent = job(unit, hello, state=JobState.BUILDING, heartbeat_at=50, started_at=70)
        job(unit, hello, state=JobState.BUILDING, heartbeat_at=100, started_at=20)
        started = job(unit, hello, state=JobState.DISPATCHING, queued_at=60)
        job(unit, hello, state=JobState.SCHEDULED, queued_at=1)
        assert [j.id for j in unit.jobs.stale(100)] == [silent.id, started.id]


def test_jobs_are_found_by_state(records, hello):
    with records.begin() as unit:
        ids = [job(unit, hello, state=s).id for s in ("building", "blocked", "signing", "failed")]
        found = unit.jobs.with_state([JobState.SIGNING, JobState.BUILDING])
        assert [j.id for j in found] == [ids[0], ids[2]]
        assert len(unit.jobs.with_state(list(JobState), limit=3)) == 3
        assert unit.jobs.with_state([]) == []


def test_history_gives_the_last_finished_jobs_oldest_first(records, hello):
    with records.begin() as unit:
        other = package(unit, unit.projects.get("a"), "other")

        def done(of, result, at, **changed):
            state = JobState.FAILED if result == "failed" else JobState.SUCCEEDED
            return job(unit, of, state=state, result=result, ended_at=at, **changed).id

        second = done(hello, "succeeded", 20)
        first = done(other, "failed", 10)
        third = done(hello, "unchanged", 30)
        done(hello, "succeeded", 15, arch="i586")
        job(unit, hello)

        def history(**bounds):
            found = unit.jobs.history(hello.project_id, "standard", "x86_64", **bounds)
            return [j.id for j in found]

        assert history() == [first, second, third]
        assert history(limit=2) == [second, third]
        assert history(packages=["other", "none"]) == [first]
        assert history(codes=["succeeded", "failed"]) == [first, second]
        assert history(packages=[]) == []
        successes = unit.jobs.successes(hello.id, "standard", "x86_64")
        assert [j.id for j in successes] == [second]


def test_the_build_counter_counts_successes_of_a_versrel_on_any_arch(records, hello):
    with records.begin() as unit:
        good = {"state": JobState.SUCCEEDED, "result": "succeeded", "versrel": "1.0-1"}
        job(unit, hello, **good, bcnt=2)
        job(unit, hello, **good, bcnt=3, arch="i586")
        job(unit, hello, **(good | {"result": "failed"}), bcnt=9)
        job(unit, hello, **good, bcnt=8, repository="other")
        assert unit.jobs.max_bcnt(hello.id, "standard", "1.0-1") == 3
        assert unit.jobs.max_bcnt(hello.id, "standard", "2.0-1") == 0


def test_waiting_jobs_are_counted_and_taken_per_owner(records, hello):
    with records.begin() as unit:
        mine = [job(unit, hello).id for _ in range(3)]
        job(unit, hello, owner="bert")
        job(unit, hello, priority="high")
        job(unit, hello, state=JobState.BLOCKED)
        assert unit.jobs.owners_waiting("x86_64", "default") == [("anna", 3), ("bert", 1)]
        assert unit.jobs.owners_waiting("i586", "default") == []
        assert [j.id for j in unit.jobs.next_for("anna", "x86_64", "default", 2)] == mine[:2]


def test_the_source_part_is_fenced_like_a_job(records, hello):
    with records.begin() as unit:
        made = build(unit, hello, source_state=SourceState.PENDING)

        def move(to, **fields):
            states = [SourceState.PENDING, SourceState.RUNNING]
            return unit.builds.transition_source(made.id, states, to, **fields)

        assert not unit.builds.beat_source(made.id, 0, 10)
        assert move(SourceState.RUNNING, source_attempt=1, source_started_at=20)
        assert unit.builds.beat_source(made.id, 1, 30)
        assert not unit.builds.beat_source(made.id, 0, 40)
        assert [b.id for b in unit.builds.stale_sources(31)] == [made.id]
        assert unit.builds.stale_sources(30) == []
        assert not move(SourceState.SUCCEEDED, if_attempt=0)
        assert move(SourceState.SUCCEEDED, if_attempt=1, source_version="1.0-1")
        assert not move(SourceState.FAILED)
        assert unit.builds.get(made.id).source_version == "1.0-1"


def test_the_source_part_of_a_canceled_build_moves_no_more(records, hello):
    with records.begin() as unit:
        made = build(unit, hello, source_state=SourceState.RUNNING, canceled=True)
        moved = unit.builds.transition_source(made.id, [SourceState.RUNNING], SourceState.SUCCEEDED)
        assert not moved
        assert not unit.builds.beat_source(made.id, 0, 5)


def test_jobs_of_many_builds_come_at_once(records, hello):
    with records.begin() as unit:
        full, empty = build(unit, hello), build(unit, hello)
        ids = [job(unit, hello, full).id for _ in range(2)]
        found = unit.jobs.of_builds([full.id, empty.id])
        assert {number: [j.id for j in js] for number, js in found.items()} == {
            full.id: ids,
            empty.id: [],
        }
