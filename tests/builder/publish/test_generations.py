"""A reader sees one whole tree at every instant, whatever the writer does."""

import os
import stat
import threading
import time

import pytest

from builder.publishers import Entry, Generations, Manifest, PublishFailed, tree_path
from builder.publishers.files import sync, write_file

NAMES = ("a", "b", "repodata/c")


@pytest.fixture
def clock():
    return [1_700_000_000.0]


@pytest.fixture
def trees(tmp_path, clock):
    return Generations(tmp_path / "published", keep=2, grace_s=100, clock=lambda: clock[0])


def manifest(number, project="home:anna", repository="standard", **more):
    return Manifest(project, repository, f"{number:032x}", "", 1, (), **more)


def put(trees, number, project="home:anna", repository="standard"):
    """Publish a generation whose every file holds its number."""
    with trees.lock(project, repository), trees.draft(project, repository) as draft:
        (draft / "repodata").mkdir()
        for name in NAMES:
            write_file(draft / name, str(number).encode())
        return trees.publish(draft, manifest(number, project, repository))


def seen(trees, project="home:anna", repository="standard"):
    """What a reader finds who enters the tree once and reads all of it."""
    handle = os.open(trees.place(project, repository), os.O_RDONLY)
    try:
        found = set()
        for name in NAMES:
            file = os.open(name, os.O_RDONLY, dir_fd=handle)
            found.add(os.read(file, 100))
            os.close(file)
        return found
    finally:
        os.close(handle)


def test_projects_become_directories_with_colons():
    assert tree_path("home:anna:tools", "standard") == "home:/anna:/tools/standard"
    assert tree_path("Base", "R") == "Base/R"


def test_the_link_leads_to_the_newest_generation(trees):
    put(trees, 1)
    second = put(trees, 2)
    assert seen(trees) == {b"2"}
    assert trees.current("home:anna", "standard") == second
    assert second.fingerprint == f"{2:032x}"
    assert not os.path.isabs(os.readlink(trees.place("home:anna", "standard")))


def test_published_directories_are_readable_by_a_web_server(trees):
    generation = put(trees, 1)
    for path in (generation.path, generation.path / "repodata"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o055 == 0o055


def test_a_reader_never_sees_a_mixture(trees):
    put(trees, 0)
    stop, mixed, rounds = threading.Event(), [], [0]

    def read():
        while not stop.is_set():
            found = seen(trees)
            rounds[0] += 1
            if len(found) != 1:
                mixed.append(found)

    reader = threading.Thread(target=read)
    reader.start()
    deadline = time.monotonic() + 20
    number = 0
    while (number < 30 or rounds[0] < 50) and time.monotonic() < deadline:
        number += 1
        put(trees, number)
    stop.set()
    reader.join()
    assert not mixed
    assert rounds[0] >= 50


def test_replaced_generations_are_kept_by_number_and_by_age(trees, clock):
    names = []
    for number in range(6):
        clock[0] += 60
        names.append(put(trees, number).name)
    shelf = trees.current("home:anna", "standard").path.parent
    kept = sorted(p.name for p in shelf.iterdir() if p.is_dir())
    assert kept == names[3:]
    assert [g.name for g in trees.earlier("home:anna", "standard")] == [names[4], names[3]]
    clock[0] += 50
    assert [g.name for g in trees.earlier("home:anna", "standard")] == [names[4]]
    clock[0] += 1000
    assert trees.earlier("home:anna", "standard") == []


def test_many_generations_within_the_grace_time_are_bounded(trees, monkeypatch):
    monkeypatch.setattr("builder.publishers.generations._MOST_KEPT", 5)
    for number in range(9):
        put(trees, number)
    shelf = trees.current("home:anna", "standard").path.parent
    assert len([p for p in shelf.iterdir() if p.is_dir()]) == 6


def test_a_clock_that_stands_still_makes_different_names(trees):
    assert put(trees, 1).name != put(trees, 1).name


def test_half_written_and_half_removed_generations_are_swept(trees):
    generation = put(trees, 1)
    shelf = generation.path.parent
    (shelf / ".new-dead" / "x").mkdir(parents=True)
    (shelf / ".old-dead").mkdir()
    (shelf / f"20200101T000000000000-{9:032x}.json").write_text("{}")
    put(trees, 2)
    left = {p.name for p in shelf.iterdir()}
    assert not {name for name in left if name.startswith(".") or "20200101" in name}


def test_a_draft_that_is_not_published_vanishes(trees):
    put(trees, 1)
    with pytest.raises(RuntimeError), trees.draft("home:anna", "standard") as draft:
        write_file(draft / "a", b"2")
        raise RuntimeError
    assert not draft.exists()
    assert seen(trees) == {b"1"}


def test_removal_takes_everything_and_only_of_this_repository(trees, tmp_path):
    put(trees, 1)
    put(trees, 1, repository="next")
    put(trees, 1, project="home:anna:tools")
    with trees.lock("home:anna", "standard"):
        assert trees.remove("home:anna", "standard")
        assert not trees.remove("home:anna", "standard")
    assert trees.current("home:anna", "standard") is None
    assert seen(trees, repository="next") == {b"1"}
    assert trees.repositories("home:anna") == ["next"]
    for project, repository in (("home:anna", "next"), ("home:anna:tools", "standard")):
        with trees.lock(project, repository):
            trees.remove(project, repository)
    assert sorted(os.listdir(tmp_path / "published")) == [".generations"]
    assert os.listdir(tmp_path / "published" / ".generations") == []


def test_a_waiting_writer_gets_the_lock_that_a_removal_dropped(trees):
    put(trees, 1)
    entered, order = threading.Event(), []

    def wait():
        entered.set()
        with trees.lock("home:anna", "standard"):
            order.append("second")

    with trees.lock("home:anna", "standard"):
        other = threading.Thread(target=wait)
        other.start()
        entered.wait()
        trees.remove("home:anna", "standard")
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]


def test_a_link_whose_generation_is_lost_counts_as_nothing(trees):
    generation = put(trees, 1)
    generation.path.rename(generation.path.with_name("elsewhere"))
    assert trees.current("home:anna", "standard") is None
    assert put(trees, 1).path.is_dir()


def test_an_unreadable_manifest_is_no_obstacle(trees):
    generation = put(trees, 1)
    generation.path.with_name(f"{generation.name}.json").write_text("nonsense")
    assert trees.manifest(generation) is None
    put(trees, 2)


def test_a_tree_that_cannot_be_put_in_place_says_why(trees):
    with pytest.raises(PublishFailed, match="too long"):
        put(trees, 1, project="x" * 300)


def test_a_manifest_tells_what_was_written(trees):
    entry = Entry("noarch/a.rpm", "a", "x86_64", 3, "a.rpm", 10, "m", "s", 7)
    wanted = Manifest("home:anna", "standard", f"{1:032x}", "f" * 40, 9, (entry,), ("x-debug",))
    with trees.lock("home:anna", "standard"), trees.draft("home:anna", "standard") as draft:
        generation = trees.publish(draft, wanted)
    assert generation.manifest() == wanted
    assert wanted.find("noarch/a.rpm") == entry
    assert wanted.find("b") is None


def test_syncing_follows_no_link(tmp_path):
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="symbolic links"):
        sync([tmp_path / "link"])
