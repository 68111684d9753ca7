"""Directories made once: concurrent makers, crashes, and the size bound."""

import os
import time

import pytest

from builder.chroots.cache import DirectoryCache


@pytest.fixture
def cache(tmp_path):
    return DirectoryCache(tmp_path / "cache")


def maker(text, made=None):
    def make(target):
        (target / "file").write_text(text)
        if made is not None:
            made.append(text)
        return {"said": text}

    return make


def test_an_entry_is_made_once(cache):
    made = []

    first = cache.acquire("key", maker("one", made))
    second = cache.acquire("key", maker("two", made))

    assert made == ["one"]
    assert first.path == second.path
    assert (second.path / "file").read_text() == "one"
    assert second.facts["said"] == "one"


def test_a_failed_maker_leaves_nothing(cache, tmp_path):
    def fail(target):
        (target / "half").write_text("x")
        raise ValueError

    with pytest.raises(ValueError):
        cache.acquire("key", fail)

    assert cache.find("key") is None
    assert (cache.acquire("key", maker("whole")).path / "file").read_text() == "whole"


def test_others_wait_for_the_one_who_makes(cache, tmp_path):
    counter = tmp_path / "count"

    def slow(target):
        with counter.open("a") as stream:
            stream.write("x")
        time.sleep(0.3)
        return {}

    children = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            try:
                cache.acquire("key", slow)
                os._exit(0)
            finally:
                os._exit(1)
        children.append(pid)

    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0, 0]
    assert counter.read_text() == "x"


def test_what_a_killed_maker_left_is_swept_and_made_again(cache, tmp_path):
    pid = os.fork()
    if pid == 0:

        def die(target):
            (target / "half").write_text("x")
            os.kill(os.getpid(), 9)

        cache.acquire("key", die)
    os.waitpid(pid, 0)
    assert list((tmp_path / "cache").glob(".making-*"))

    cache.sweep()

    assert not list((tmp_path / "cache").glob(".making-*"))
    assert not (cache.acquire("key", maker("new")).path / "half").exists()


def test_the_least_used_entries_go_first(cache):
    for number, key in enumerate(("old", "used", "new")):
        lease = cache.acquire(key, maker("x" * 100_000))
        os.utime(lease.path / "entry.json", (number, number))
        lease.close()
    cache.find("used").close()

    cache.sweep(limit_bytes=250_000)

    assert cache.find("old") is None
    assert cache.find("used") is not None
    assert cache.find("new") is not None


def test_an_entry_in_use_stays(cache):
    lease = cache.acquire("key", maker("x"))

    cache.sweep(limit_bytes=0)
    assert (lease.path / "file").exists()

    lease.close()
    cache.sweep(limit_bytes=0)
    assert cache.find("key") is None


def test_nobody_else_may_look_in(cache, tmp_path):
    cache.acquire("key", maker("x"))

    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
