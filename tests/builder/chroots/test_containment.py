"""Builds that mean harm, each in a real sandbox; none gets out and none leaves anything."""

import os
import socket
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from builder.chroots.base import Bind, ChrootBroken
from tests.builder.sandboxes import SMALL, processes_of


def test_the_build_user_has_no_privilege_at_all(place):
    ran = place.run("id -u; grep -E '^(Cap|NoNewPrivs|Seccomp):?' /proc/self/status; ls /sys")

    facts = dict(line.split(":\t") for line in ran.output.splitlines() if ":\t" in line)
    assert int(ran.output.splitlines()[0]) >= 60000
    assert {name: int(value, 16) for name, value in facts.items() if name[:3] == "Cap"} == {
        "CapInh": 0,
        "CapPrm": 0,
        "CapEff": 0,
        "CapBnd": 0,
        "CapAmb": 0,
    }
    assert facts["NoNewPrivs"] == "1"
    assert facts["Seccomp"] == "2"


def test_a_fork_bomb_meets_the_process_limit(place):
    limits = replace(SMALL, processes=60, wall_s=20)
    ran = place.run("bomb() { bomb | bomb & }; bomb; sleep 1; for i in 1 2 3; do :; done", limits)

    assert "ork" in ran.output
    assert ran.status.elapsed_s < 20


def test_a_full_disk_is_the_builds_own_disk(place):
    limits = replace(SMALL, disk_bytes=32 << 20)
    ran = place.run("dd if=/dev/zero of=big bs=1M; stat -c %s big; ls -d /tmp", limits)

    assert "No space left" in ran.output
    written = int(ran.output.splitlines()[-2])
    assert 20 << 20 < written <= 32 << 20


def test_endless_small_files_end(place):
    limits = replace(SMALL, inodes=2000)
    ran = place.run(
        "mkdir d; i=0; while true > d/$i; do i=$((i+1)); done 2>/dev/null; ls d | wc -l", limits
    )

    assert 500 < int(ran.output.split()[-1]) <= 2000


def test_a_single_huge_file_is_cut_off(place):
    limits = replace(SMALL, file_bytes=1 << 20)
    ran = place.run("exec dd if=/dev/zero of=big bs=64k", limits)

    assert ran.status.code == 128 + 25  # SIGXFSZ


def test_kill_of_everything_hits_only_itself(place):
    ran = place.run("sleep 100 & kill -9 -1; echo not reached")

    assert ran.status.elapsed_s < 10
    assert os.getppid()  # this process and its parent are still there


def test_a_daemon_does_not_outlive_its_build(place):
    ran = place.run(
        "setsid sh -c 'trap \"\" TERM INT HUP; sleep 1000' </dev/null >/dev/null 2>&1 & echo done"
    )

    assert ran.status.ok
    assert ran.status.elapsed_s < 10


def test_a_busy_loop_meets_the_processor_limit(place):
    ran = place.run("exec perl -e '1 while 1'", replace(SMALL, cpu_s=1))

    assert ran.status.code in (128 + 24, 128 + 9)  # SIGXCPU, or the hard limit
    assert ran.status.elapsed_s < 20


def test_a_build_that_ignores_signals_meets_the_wall_clock(place):
    script = (
        "trap '' TERM INT HUP; setsid sh -c 'sleep 1000' >/dev/null 2>&1 & "
        "while :; do sleep 60; done"
    )
    ran = place.run(script, replace(SMALL, wall_s=1))

    assert ran.status.ended_by == "timeout"
    assert ran.status.elapsed_s < 3


def test_a_silent_build_meets_the_idle_limit(place):
    ran = place.run("sleep 100", replace(SMALL, idle_s=1))

    assert ran.status.ended_by == "idle"


def test_endless_output_ends_the_build(place):
    ran = place.run("yes")

    assert ran.status.ended_by == "log"


def test_a_build_can_be_stopped_from_another_thread(place):
    def stop_soon(root, status, sink):
        stop = threading.Event()
        threading.Timer(0.3, stop.set).start()
        return root.run(["sleep", "100"], sink=sink, stop=stop)

    status = place.run("true", after=stop_soon)

    assert status.ended_by == "stopped"
    assert status.elapsed_s < 2


def test_one_process_meets_the_address_space_limit(place):
    limits = replace(SMALL, address_bytes=200 << 20)
    ran = place.run("perl -e '$x = \"x\" x (400 << 20); print length $x'", limits)

    assert not ran.status.ok
    assert "emory" in ran.output


def test_all_processes_together_meet_the_memory_limit(place):
    memory = Path("/sys/fs/cgroup/memory/cgroup.procs")
    if not os.access(memory, os.W_OK) and not os.access("/sys/fs/cgroup/cgroup.procs", os.W_OK):
        pytest.skip("no writable memory cgroup")
    limits = replace(SMALL, memory_bytes=64 << 20, disk_bytes=32 << 20)
    ran = place.run("perl -e '$x = \"x\" x (400 << 20); print length $x'", limits)

    assert ran.status.ended_by == "memory"


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


_CONNECT = "perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(\"127.0.0.1:{}\") ? 1 : 0'"


def test_without_network_nothing_of_the_host_answers(place, listener):
    ran = place.run(f"tail -n +3 /proc/net/dev | cut -d: -f1; {_CONNECT.format(listener)}")

    assert ran.output.split() == ["lo", "0"]


def test_with_network_the_host_answers(place, listener):
    assert place.run(_CONNECT.format(listener), network=True).output == "1"


@pytest.mark.parametrize(
    "attempt",
    [
        "echo x > /etc/passwd",
        "touch /usr/bin/x",
        "echo b > /proc/sysrq-trigger",
        "echo x > /proc/sys/kernel/core_pattern",
        "mount -t tmpfs x /mnt",
        "mknod /tmp/disk b 254 0",
        "chroot / true",
        "unshare --user --map-root-user true",
        "touch /dev/x",
        "chmod 0 /dev/null",
        "kill -9 1",
        "cat /etc/shadow",
    ],
)
@pytest.mark.parametrize("user", ["build"])
def test_what_the_build_user_must_not_do_is_refused(place, attempt, user):
    ran = place.run(f"if ({attempt}) 2>/dev/null; then echo done; fi", user=user)

    assert "done" not in ran.output


@pytest.mark.parametrize(
    "attempt",
    [
        "echo x > /proc/sys/kernel/core_pattern",
        "echo b > /proc/sysrq-trigger",
        "echo 1 > /proc/irq/default_smp_affinity",
        "mount -t tmpfs x /mnt",
        "mount -o remount,rw /proc/sys",
        "mknod /tmp/disk b 254 0",
        "unshare --user --map-root-user true",
        "touch /dev/x",
        "chmod 0 /dev/null",
        "chown 1 /dev/zero",
        "dd if=/proc/kcore of=/tmp/x count=1",
        "hostname other",
    ],
)
def test_what_a_maintainer_script_must_not_do_is_refused(place, attempt):
    before = Path("/proc/sys/kernel/core_pattern").read_text()

    ran = place.run(f"if ({attempt}) 2>/dev/null; then echo done; fi", user="root", cwd="/")

    assert "done" not in ran.output
    assert Path("/proc/sys/kernel/core_pattern").read_text() == before
    assert stat.S_IMODE(os.stat("/dev/null").st_mode) == 0o666


def test_a_maintainer_script_may_write_to_its_root_only(place):
    ran = place.run("echo x > /usr/bin/new && chown 1:1 /usr/bin/new && echo done", user="root")

    assert "done" in ran.output
    assert not (place.chroot.base().lowers[-1] / "usr/bin/new").exists()
    assert not Path("/usr/bin/new").exists()


def test_only_the_builds_own_processes_are_visible(place):
    ran = place.run("ls /proc | grep -c '^[0-9]'")

    assert int(ran.output) < 10


def test_devices_work(place):
    ran = place.run("echo x > /dev/null && head -c 4 /dev/urandom | wc -c && touch /dev/shm/x")

    assert ran.status.ok, ran.output


def test_starting_costs_milliseconds(place):
    def measure(root, status, sink):
        times = []
        for _ in range(5):
            started = time.monotonic()
            root.run(["true"], sink=sink)
            times.append(time.monotonic() - started)
        return min(times)

    assert place.run("true", after=measure) < 0.2


def test_nothing_is_left_when_the_process_that_made_the_root_is_killed(place):
    read, write = os.pipe()

    def build():
        from builder import slots
        from builder.chroots.base import Capture, InstallSet
        from builder.chroots.namespaces import isolate

        slot = slots.acquire(place.scratch)
        place.chroot.base()
        isolate(place.chroot.mode)
        with place.chroot.prepare(InstallSet(), SMALL, Capture(), slot=slot.number) as root:
            os.write(write, f"{slot.number}\n".encode())
            root.run(["/bin/sh", "-c", "echo up; exec sleep 1000"], sink=Telling(write))

    pid = os.fork()
    if pid == 0:
        try:
            build()
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as news:
        number = int(news.readline())
        assert news.readline() == "up\n"
        os.kill(pid, 9)
        os.waitpid(pid, 0)

    uid = 60000 + number
    _until(lambda: not processes_of(uid), "the build's processes are gone")
    assert f"/{pid}-" not in Path("/proc/self/mountinfo").read_text()
    (left,) = place.scratch.glob(f"{pid}-*")
    assert list(left.iterdir()) == []
    place.chroot.sweep()
    assert not left.exists()


class Telling:
    """A sink that passes output to a pipe."""

    def __init__(self, fd):
        self._fd = fd

    def write(self, data):
        os.write(self._fd, data)
        return True


def _until(condition, what):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_a_sandbox_that_cannot_start_is_not_the_packages_fault(place):
    with pytest.raises(ChrootBroken, match="could not be started"):
        place.run("true", binds=[Bind(Path("/nonexistent"), "/mnt")])
