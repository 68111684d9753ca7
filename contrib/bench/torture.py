"""Writers through mixed doors while processes are killed: nothing acknowledged may be lost."""

import contextlib
import http.client
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

from contrib.bench.house import BenchHouse

PROJECT, PACKAGE = "torture", "p"
DIRECTORY = f"/source/{PROJECT}/{PACKAGE}"


@dataclass(frozen=True)
class Outcome:
    """What a run showed; ``lost`` and ``problems`` have to be empty."""

    acknowledged: int
    kills: int
    lost: tuple[str, ...]
    problems: tuple[str, ...]


def run(house: BenchHouse, scale: float) -> None:
    """Print the outcome of 8 writers and 60 s of kills (at full scale)."""
    outcome = torture(house, seconds=max(6.0, 60 * scale), writers=8)
    print(
        f"{outcome.acknowledged} acknowledged, {outcome.kills} kills, {len(outcome.lost)} lost, "
        f"problems: {', '.join(outcome.problems) or 'none'}"
    )
    if outcome.lost or outcome.problems:
        raise SystemExit("torture failed")


def torture(house: BenchHouse, seconds: float, writers: int) -> Outcome:
    """Write through three doors and kill web processes at random for that long."""
    with house.client() as admin:
        admin.make_project(PROJECT)
        admin.make_package(PROJECT, PACKAGE)
        admin.call("PUT", f"{DIRECTORY}/seed", "seed\n")
    doors = (by_put, by_filelist, by_push)
    context = multiprocessing.get_context("fork")
    acknowledged = context.Queue()
    deadline = time.monotonic() + seconds
    processes = [
        context.Process(
            target=_write, args=(house, doors[n % len(doors)], n, deadline, acknowledged)
        )
        for n in range(writers)
    ]
    for process in processes:
        process.start()
    kills = _kill_until(house, deadline - 1)
    names = _drain(acknowledged, processes)
    lost, problems = _verify(house, names)
    return Outcome(len(names), kills, lost, problems)


def by_put(house: BenchHouse, name: str, _work: Path) -> None:
    """One PUT commits one file."""
    house.client().call("PUT", f"{DIRECTORY}/{name}", f"{name}\n")


def by_filelist(house: BenchHouse, name: str, _work: Path) -> None:
    """What osc does: store the content, then commit the whole list.

    Two clients may overwrite each other's list by design of the protocol, so
    the file is asked for again until the list kept it.
    """
    client, content = house.client(), f"{name}\n"
    client.call("PUT", f"{DIRECTORY}/{name}?rev=repository", content)
    listing = ElementTree.fromstring(client.call("GET", f"{DIRECTORY}?rev=latest"))
    entries = {entry.get("name"): entry.get("md5") for entry in listing.iter("entry")}
    entries[name] = md5(content.encode()).hexdigest()
    body = "".join(f'<entry name="{key}" md5="{value}"/>' for key, value in entries.items())
    answer = client.call(
        "POST", f"{DIRECTORY}?cmd=commitfilelist", f"<directory>{body}</directory>"
    )
    if b'error="missing"' in answer:
        raise http.client.HTTPException("content not there")


def by_push(house: BenchHouse, name: str, work: Path) -> None:
    """Clone, add one file, push."""
    tree = work / name
    url = house.git_url(PROJECT, PACKAGE)
    try:
        _git(work, "clone", "-q", "--depth", "1", url, name)
        (tree / name).write_text(f"{name}\n")
        _git(tree, "add", name)
        _git(tree, "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-qm", name)
        _git(tree, "push", "-q", url, "HEAD:main")
    finally:
        shutil.rmtree(tree, ignore_errors=True)


def _git(where: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=where, check=True, capture_output=True, timeout=60)


def _write(house: BenchHouse, act, writer: int, deadline: float, acknowledged) -> None:
    retried = (OSError, http.client.HTTPException, subprocess.SubprocessError, SystemExit)
    with tempfile.TemporaryDirectory() as work:
        n = 0
        while time.monotonic() < deadline:
            n += 1
            name = f"{act.__name__}-{writer}-{n}"
            with contextlib.suppress(*retried):
                act(house, name, Path(work))
                acknowledged.put(name)


def _kill_until(house: BenchHouse, deadline: float) -> int:
    """Kill any process of the house but its supervisor and Redis."""
    kills = 0
    while time.monotonic() < deadline:
        time.sleep(random.uniform(0.1, 0.6))
        victims = [pid for pid in house.tree()[1:] if _is_ours(pid)]
        if victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(victims), signal.SIGKILL)
                kills += 1
    return kills


def _is_ours(pid: int) -> bool:
    try:
        return b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def _drain(queue, processes) -> set[str]:
    names: set[str] = set()
    while any(process.is_alive() for process in processes) or not queue.empty():
        with contextlib.suppress(Exception):
            names.add(queue.get(timeout=0.2))
    for process in processes:
        process.join()
    return names


def _verify(house: BenchHouse, names: set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    _wait_until_up(house)
    with tempfile.TemporaryDirectory() as work:
        clone = Path(work, "clone")
        _git(Path(work), "clone", "-q", house.git_url(PROJECT, PACKAGE), "clone")
        log = subprocess.run(
            ["git", "log", "--name-only", "--diff-filter=A", "--format=", "--no-renames"],
            cwd=clone,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        lost = tuple(sorted(names - set(log.split())))
    problems = []
    for repository in sorted(house.data.glob("repos/*/*/*.git")):
        done = subprocess.run(
            ["git", "--git-dir", repository, "fsck", "--full", "--strict"],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            problems.append(f"{repository.name}: {done.stderr.strip()[:200]}")
    try:
        with house.client() as admin:
            admin.call("PUT", f"{DIRECTORY}/afterwards", "still writable\n")
    except SystemExit as error:
        problems.append(f"not writable: {error}")
    return lost, tuple(problems)


def _wait_until_up(house: BenchHouse) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException, SystemExit):
            with house.client() as client:
                client.call("GET", "/health/ready")
            return
        time.sleep(0.2)
    raise SystemExit("the house did not come back")
