"""A publisher that dies at any step leaves a whole tree, and the next one makes it good."""

import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from builder.publish import generations, publish, recover
from builder.publishers import PackageCache
from storage.model import EventKind

STEPS = ("rename", "replace", "symlink", "link", "unlink", "fsync", "mkdir", "chmod", "utime")
OLD, NEW = "noarch/hello-1.0-1.noarch.rpm", "noarch/hello-2.0-1.noarch.rpm"


def dies_at(step, work):
    """Run ``work`` in a child that is gone, without any cleaning up, before its nth step.

    Returns whether it died; False when the work has fewer steps.
    """
    child = os.fork()
    if child == 0:
        left = [step]

        def counted(call):
            def run(*arguments, **options):
                left[0] -= 1
                if left[0] <= 0:
                    os._exit(9)
                return call(*arguments, **options)

            return run

        try:
            for name in STEPS:
                setattr(os, name, counted(getattr(os, name)))
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9), status
    return status == 9


def whole(bench):
    """The version whose files and metadata are all there, and nothing of another one."""
    tree = bench.tree()
    packages = {path for path in tree if path.endswith(".rpm")}
    top = bench.published / "home:/anna/standard/repodata/repomd.xml"
    named = [line.split('"')[1] for line in top.read_text().splitlines() if "<location" in line]
    assert len(named) == 3
    assert set(named) <= tree
    assert packages in ({OLD}, {NEW})
    return packages.pop()


@pytest.fixture(autouse=True)
def no_litter(tmp_path):
    """Short gpg homes of killed processes are links in /tmp; take ours away."""
    yield
    for path in Path("/tmp").glob("ph-*"):
        link = path / "h"
        if link.is_symlink() and str(tmp_path) in os.readlink(link):
            shutil.rmtree(path)


@pytest.mark.parametrize("first", [True, False], ids=["the first publish", "a later publish"])
def test_death_at_any_step(bench, built, first):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    if not first:
        bench.publish()
        bench.events()
    switched = turn = 0
    # Stepping over some keeps the time in bounds; odd and even ones alternate.
    for step in range(1, 500, 5 if first else 3):
        turn += 1
        bench.now[0] += 1
        if not first:
            bench.succeed("hello", [built["hello-2" if turn % 2 else "hello"]])
        wanted = NEW if not first and turn % 2 else OLD
        # What was signed before is signed anew: those steps are part of the work.
        cache = PackageCache(bench.published)
        key = bench.house.signer.public_key("home:anna")
        if key is not None:
            for name in ("hello", "hello-2"):
                cache.drop(key.fingerprint, _sha256(built[name]))
        told = len(bench.events())
        died = dies_at(step, lambda: publish(bench.house, "home:anna", "standard"))
        if (bench.published / "home:/anna/standard").exists():
            switched += whole(bench) == wanted
        recover(bench.house)
        state = publish(bench.house, "home:anna", "standard")
        assert (state.state, state.dirty) == ("published", False)
        assert whole(bench) == wanted
        assert state.generation == generations(bench.house).current("home:anna", "standard").name
        events = bench.events()
        assert len(events) == told + 1
        assert {event.kind for event in events} == {EventKind.DEPENDENCY_PUBLISHED}
        if not died:
            break
        if first:
            _start_over(bench)
    assert not died
    assert step > 40
    assert switched >= 1
    shelf = generations(bench.house).current("home:anna", "standard").path.parent
    assert not [p.name for p in shelf.iterdir() if p.name.startswith(".")]


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _start_over(bench):
    trees = generations(bench.house)
    with trees.lock("home:anna", "standard"):
        trees.remove("home:anna", "standard")
    bench.house.signer.delete_key("home:anna")
    with bench.house.records.begin() as unit:
        row = unit.publications.get(bench.ids["home:anna"], "standard")
        unit.publications.put(replace(row, generation="", fingerprint="", state="finished"))
        for event in unit.events.claim(100, "x", 0, int(bench.now[0])):
            unit.events.done(event.id)
