"""Many processes write one package while some of them are killed; nothing confirmed is lost."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from storage.git.commits import first_parents
from storage.git.refs import MAIN
from storage.house import Storage
from storage.records import Records

from .houses import ANNA, READERS, SmallHouse, content, fsck_is_clean

WRITERS = 8
SECONDS = 4.0


def write_until_killed(data: Path, url: str, worker: str, log: Path) -> None:
    """Commit as fast as possible; every confirmed commit is noted before the next one."""
    storage = Storage(data, Records.open(url, migrate=False), metas=READERS)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    number = 0
    while True:
        number += 1
        store = storage.package("home:anna", "hello")
        # Half of the content is shared between the writers.
        data_bytes = f"shared {number}" if number % 2 else f"{worker} {number}"
        with storage.stage([data_bytes.encode()]) as staged:
            result = store.put_file(f"f{worker}", staged, ANNA, f"{worker}/{number}")
        os.write(out, f"{result.revision.number} {result.revision.commit}\n".encode())


def start(house: SmallHouse, worker: str, log: Path) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            url = f"sqlite:///{house.path / 'packhouse.db'}"
            write_until_killed(house.path / "data", url, worker, log)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)
    return child


def test_eight_writers_under_kill_lose_nothing_they_confirmed(
    house: SmallHouse, tmp_path: Path
) -> None:
    hello = house.hello()
    log = tmp_path / "confirmed"
    random_source = random.Random(7)
    children = {start(house, str(n), log): str(n) for n in range(WRITERS)}
    ends = time.monotonic() + SECONDS
    kills = 0
    while time.monotonic() < ends:
        time.sleep(0.05)
        victim = random_source.choice(list(children))
        worker = children.pop(victim)
        os.kill(victim, signal.SIGKILL)
        _, status = os.waitpid(victim, 0)
        assert os.WIFSIGNALED(status), "a writer died on its own"
        kills += 1
        children[start(house, worker + "x", log)] = worker + "x"
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

    confirmed = [line.split() for line in log.read_text().splitlines() if " " in line]
    assert kills > 10 and len(confirmed) > 20
    hello = house.storage.package("home:anna", "hello")
    house.put(hello, "after", b"still writable")
    repository = hello.repository
    tip = repository.refs.read(MAIN)
    assert tip is not None
    line = [commit.oid for commit in first_parents(repository.objects, tip)][::-1]
    for number, commit in confirmed:
        assert line[int(number) - 1] == commit
    assert [r.commit for r in hello.history()] == line
    assert content(hello, "after") == b"still writable"
    assert fsck_is_clean(repository.path)
    assert house.storage.fsck() == []
