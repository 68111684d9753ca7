"""Which job is next: priorities first, then every owner in turn."""

from builder.planner.dispatch import next_jobs
from storage.model import Job, JobState


def job(number, owner, explain="new build"):
    return Job(
        number,
        0,
        0,
        "p",
        0,
        "k",
        "r",
        "x86_64",
        JobState.SCHEDULED,
        owner=owner,
        reason={"explain": explain},
    )


def queues(**owners):
    serial = iter(range(1, 1000))
    return {owner: [job(next(serial), owner) for _ in range(n)] for owner, n in owners.items()}


def owners(jobs):
    return [job.owner for job in jobs]


def test_owners_take_turns_however_many_jobs_they_have():
    chosen = next_jobs({"default": queues(anna=100, bert=2, carl=1)}, 6)
    assert owners(chosen) == ["anna", "bert", "carl", "anna", "bert", "anna"]


def test_the_round_goes_on_behind_the_last_owner():
    waiting = {"default": queues(anna=2, bert=2)}
    assert owners(next_jobs(waiting, 2, last_owner="anna")) == ["bert", "anna"]


def test_higher_priorities_go_first():
    waiting = {"low": queues(anna=1), "high": queues(carl=1), "default": queues(bert=1)}
    assert owners(next_jobs(waiting, 3)) == ["carl", "bert", "anna"]


def test_changes_of_sources_go_before_waves():
    jobs = [job(1, "anna", "meta change"), job(2, "anna", "source change")]
    assert [j.id for j in next_jobs({"default": {"anna": jobs}}, 2)] == [2, 1]


def test_no_more_than_asked_for():
    assert next_jobs({"default": queues(anna=3)}, 0) == []
    assert next_jobs({}, 3) == []
