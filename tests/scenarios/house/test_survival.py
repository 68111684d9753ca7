"""Killed processes and a wiped Redis lose nothing."""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import redis

from contrib.bench.house import running
from contrib.bench.torture import torture

from .people import Person, admin, eventually

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def test_killed_writers_of_all_doors_lose_no_acknowledged_commit():
    with running() as house:
        outcome = torture(house, seconds=8, writers=8)
    assert outcome.acknowledged > 0
    assert outcome.kills > 0
    assert (outcome.lost, outcome.problems) == ((), ())


def test_every_wanted_build_ends_though_workers_die_and_redis_forgets(tmp_path, cache):
    with running(build_workers=2, cache=cache) as house:
        admin(house, "user", "add", "anna", "--password-file", "-", stdin="secret\n")
        anna = Person(house, "anna", "secret", tmp_path)
        chroot = anna.copr("list-chroots").split()[0]
        anna.copr("create", "tools", "--chroot", chroot)
        project = "home:anna:tools"
        anna.osc("checkout", project)
        names = [f"hello{n}" for n in range(4)]
        for name in names:
            anna.osc("mkpac", name, at=project)
            shutil.copytree(SAMPLES / "hello-c", anna.desk / project / name, dirs_exist_ok=True)
            files = [path.name for path in (SAMPLES / "hello-c").iterdir()]
            anna.osc("add", *files, at=f"{project}/{name}")
            anna.osc("commit", "-m", "build me", at=f"{project}/{name}")
        socket = house.data / "redis" / "redis.sock"
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline:
            time.sleep(0.4)
            victims = [pid for pid in house.tree()[1:] if is_builder(pid)]
            if victims:
                kill(random.choice(victims))
            client = redis.Redis(unix_socket_path=str(socket))
            client.flushall()
            client.close()
        eventually(lambda: anna.results(project) == dict.fromkeys(names, "succeeded"), 240)
        eventually(lambda: anna.published(project), 60)
        eventually(lambda: not leftovers(house.data), 30)


def is_builder(pid: int) -> bool:
    """The scheduler, a worker, or a child that builds for one."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith(("ph-worker", "ph-scheduler"))
    except OSError:
        return False


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_a_house_stopped_while_it_makes_a_base_root_leaves_no_mount(tmp_path):
    with running(build_workers=1, cache=tmp_path / "cache") as house:
        with house.client() as admin_client:
            base = admin_client.call("GET", "/source").decode().split('entry name="')[1]
            name = base.partition('"')[0]
            path = f'<path project="{name}" repository="standard"/>'
            admin_client.make_project(
                "p", f'<repository name="r">{path}<arch>x86_64</arch></repository>'
            )
            admin_client.make_package("p", "k")
            admin_client.call("PUT", "/source/p/k/k.spec", "Name: k\nVersion: 1\n")
        eventually(lambda: list((tmp_path / "cache/bases").glob(".making*/root/usr")), 60)
    assert leftovers(tmp_path) == []
    shutil.rmtree(tmp_path / "cache")


def leftovers(data: Path) -> list[str]:
    """Mounts below the data directory that are visible from here."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    return [line for line in mounts if str(data) in line]
