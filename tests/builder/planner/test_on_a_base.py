"""The samples on a Debian base: specs and Debian packages in one repository."""

from pathlib import Path

import pytest

from storage.model import JobState, PathEntry, Repository
from tests.builder.bases.distribution import Distribution

from .world import ARCH, World, reason

SAMPLES = Path(__file__).parent.parent / "data" / "samples"
# The tiny distribution has none of what a real root starts with.
CONFIG = "Preinstall: !*\nRequired: !*\nSupport: !*\n"


@pytest.fixture
def world(tmp_path):
    distribution = Distribution(tmp_path)
    world = World(tmp_path, chroots={"debian-12-x86_64": distribution})
    world.distribution = distribution
    world.project("home:anna", Repository("debian", (ARCH,), (PathEntry("Debian:12", "standard"),)))
    world.config(CONFIG, project="home:anna")
    world.outputs["pair-a"] = {
        "pair-a": {"version": "1.2"},
        "pair-a-devel": {
            "requires": ["pair-a = 1.2-1", "/bin/sh", "rpmlib(X) <= 1", "libz.so.1()(64bit)"],
            "provides": ["pkgconfig(pair-a) = 1.2"],
            "version": "1.2",
        },
    }
    return world


def add(world, *names):
    for name in names:
        world.package(name, "home:anna")
        (path,) = [p for p in SAMPLES.iterdir() if p.name.startswith((f"{name}.", f"{name}_"))]
        world.commit(name, path.name, path.read_text(), "home:anna")


def code(world, name):
    return world.code(name, "debian", project="home:anna")


def job(world, name):
    return world.job(name, "debian", "home:anna")


def test_base_that_is_not_there_yet_holds_the_repository(world):
    add(world, "hello-c")
    world.settle()
    assert world.state("debian", "home:anna") == ("blocked", "the base root is being prepared")
    world.house.bases.load()
    world.settle()
    assert code(world, "hello-c") == ("scheduled", "")


def test_samples_become_jobs(world):
    world.house.bases.load()
    add(world, "hello-c", "hello-py", "multi-sub", "hello-deb", "pair-b")
    world.settle()
    assert code(world, "pair-b") == (
        "unresolvable",
        "nothing provides pkgconfig(pair-a) >= 1.2",
    )
    wanted = {
        "hello-c": ("hello-c.spec", "1.0-1", []),
        "hello-py": ("hello-py.spec", "2.1-1", ["python3"]),
        "multi-sub": ("multi-sub.spec", "0.3-1", []),
        "hello-deb": ("hello-deb_1.0.dsc", "1.0-1", ["debhelper"]),
    }
    for name, (recipe, versrel, debs) in wanted.items():
        made = job(world, name)
        assert (made.recipe, made.versrel) == (recipe, versrel)
        assert made.state is JobState.DISPATCHING
        assert made.install["debs"] == debs
        assert made.install["base"] == "debian-12-x86_64"
        assert "Debian:12" in made.record


def test_pair_b_follows_pair_a(world):
    world.house.bases.load()
    add(world, "pair-a", "pair-b")
    assert [(package, why) for _, package, why in world.run()] == [
        ("pair-a", "new build"),
        ("pair-b", "new build"),
    ]
    install = job(world, "pair-b").install
    assert {file["filename"] for file in install["rpms"]} == {
        "pair-a-1-1.x86_64.rpm",
        "pair-a-devel-1-1.x86_64.rpm",
    }
    assert install["debs"] == []


def test_substitutes_are_told_to_the_root_and_own_packages_come_first(world):
    world.house.bases.load()
    text = "Name: app\nVersion: 1\nBuildRequires: zlib-devel\nBuildRequires: systemd-rpm-macros\n"
    world.package("app", "home:anna")
    world.commit("app", "app.spec", text, "home:anna")
    world.settle()
    assert job(world, "app").install["substitutes"] == {
        "zlib-devel": ["zlib1g-dev"],
        "systemd-rpm-macros": ["rpm"],
    }
    world.outputs["zlib"] = {"zlib-devel": {}}
    world.package("zlib", "home:anna")
    world.commit("zlib", "zlib.spec", "Name: zlib\nVersion: 1\n", "home:anna")
    world.run()
    install = job(world, "app").install
    assert "zlib-devel" not in install["substitutes"]
    assert [file["filename"] for file in install["rpms"]] == ["zlib-devel-1-1.x86_64.rpm"]


def test_change_of_the_distribution_rebuilds_what_it_reaches(world):
    world.house.bases.load()
    add(world, "hello-py", "hello-deb")
    world.run()
    path = world.distribution.lists / "main_Packages"
    path.write_text(path.read_text().replace("5.36-7", "5.36-8"))
    world.house.bases.load()
    assert [(package, why) for _, package, why in world.run()] == [
        ("hello-deb", "meta change: md5sum Debian:12")
    ]
    world.scheduler = world.new_scheduler()
    assert world.run() == []


def test_choice_between_own_packages_stays_strict_on_a_base(world):
    world.house.bases.load()
    for name in ("one", "two"):
        world.outputs[name] = {name: {"provides": ["virtual"]}}
        world.package(name, "home:anna")
        world.commit(name, f"{name}.spec", f"Name: {name}\nVersion: 1\n", "home:anna")
    world.run()
    world.package("app", "home:anna")
    text = "Name: app\nVersion: 1\nBuildRequires: virtual\nBuildRequires: mail-transport-agent\n"
    world.commit("app", "app.spec", text, "home:anna")
    world.settle()
    assert code(world, "app") == ("unresolvable", "have choice for virtual: one two")


def test_scheduled_job_says_what_caused_it(world):
    world.house.bases.load()
    add(world, "hello-c")
    world.settle()
    assert reason(job(world, "hello-c")) == "new build"
