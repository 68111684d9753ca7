"""What every chroot promises: in root mode, and in rootless mode as another uid."""

import threading

import pytest

from builder.chroots.base import Bind, Capture, InstallSet
from tests.builder.conftest import debian, place, rootless, test_cache
from tests.builder.sandboxes import ROOTLESS_UID, SMALL, in_child

__all__ = ["debian", "place", "rootless", "test_cache"]


@pytest.fixture(params=["root", "rootless"])
def inside(request):
    """Call something with (chroot place) where it has the rights it needs."""
    if request.param == "root":
        place = request.getfixturevalue("place")
        return lambda work: in_child(work, place)
    rootless = request.getfixturevalue("rootless")
    return lambda work: in_child(lambda: work(rootless.place()), uid=ROOTLESS_UID)


def test_output_and_exit_code_come_back(inside):
    ran = inside(lambda place: place.run("echo out; echo err >&2; exit 7"))

    assert (ran.status.code, ran.status.ended_by, ran.status.ok) == (7, "", False)
    assert sorted(ran.output.split()) == ["err", "out"]


def test_a_signal_is_a_code_above_128(inside):
    assert inside(lambda place: place.run("kill -TERM $$")).status.code == 128 + 15


def test_home_is_the_builds_own_and_readable_from_outside(inside):
    ran = inside(lambda place: place.run("pwd; mkdir a; echo text > a/file", keep=["a/*"]))

    assert ran.output == "/home/build\n"
    assert ran.files == {"a/file": b"text\n"}


def test_the_environment_is_fixed_but_for_what_is_asked(inside):
    ran = inside(lambda place: place.run("env", env={"X": "1"}))

    facts = dict(line.split("=", 1) for line in ran.output.splitlines())
    assert facts["X"] == "1"
    assert facts["HOME"] == "/home/build"
    assert set(facts) <= {"X", "HOME", "PATH", "LANG", "LC_ALL", "TZ", "TERM", "PWD", "_", "SHLVL"}


def test_the_host_is_called_build_and_has_loopback_only(inside):
    ran = inside(lambda place: place.run("hostname; tail -n +3 /proc/net/dev | cut -d: -f1"))

    assert ran.output.split() == ["build", "lo"]


def test_a_bind_is_read_only_unless_it_says_otherwise(inside):
    def work(place):
        (place.scratch.parent / "shown").mkdir(exist_ok=True)
        (place.scratch.parent / "shown" / "file").write_text("given")
        bind = Bind(place.scratch.parent / "shown", "/home/build/shown")
        return place.run("cat shown/file; touch shown/new", binds=[bind])

    ran = inside(work)
    assert ran.output.startswith("given")
    assert "Read-only" in ran.output


def test_two_roots_do_not_see_each_other(inside):
    def work(place):
        place.run("echo x > /tmp/left; echo x > left")
        return place.run("ls /tmp . ")

    assert "left" not in inside(work).output


def test_commands_of_one_root_see_each_others_files(inside):
    def work(place):
        def again(root, status, sink):
            more = Capture()
            root.run(["cat", "/tmp/kept"], sink=more)
            return more.text

        return place.run("echo kept > /tmp/kept", after=again)

    assert inside(work) == "kept\n"


def test_a_stop_ends_a_command(inside):
    def work(place):
        stop = threading.Event()
        stop.set()
        return place.run("sleep 100", stop=stop)

    assert inside(work).status.ended_by == "stopped"


def test_the_wall_clock_ends_a_command(inside):
    ran = inside(lambda place: place.run("sleep 100", timeout_s=0.3))

    assert (ran.status.ended_by, ran.status.ok) == ("timeout", False)


def test_installed_packages_are_there(inside):
    def work(place):
        return place.run("rpm -q --whatprovides gcc /bin/sh", SMALL, InstallSet(rpm=True))

    assert inside(work).status.ok


def test_package_lists_name_the_archives_packages(inside):
    def work(place):
        lists = place.chroot.package_lists()
        return any("\nPackage: debhelper\n" in path.read_text() for path in lists)

    assert inside(work)
