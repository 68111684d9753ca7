"""Many clients at once, each a process of its own."""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass

from contrib.bench.house import BenchHouse, Client


@dataclass(frozen=True)
class Load:
    """What a run of requests cost."""

    requests: int
    seconds: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        return self.requests / self.seconds

    @property
    def cpu_ms(self) -> float:
        return self.cpu_s * 1000 / self.requests


def measure(
    house: BenchHouse,
    clients: int,
    requests_each: int,
    act: Callable[[Client, int, int], None],
) -> Load:
    """Run ``act(client, worker, n)`` in ``clients`` processes; house CPU is counted."""
    context = multiprocessing.get_context("fork")
    ready, go = context.Barrier(clients + 1), context.Event()
    failed = context.Value("i", 0)

    def work(worker: int) -> None:
        client = house.client()
        client.call("GET", "/about")
        ready.wait()
        go.wait()
        try:
            for n in range(requests_each):
                act(client, worker, n)
        except BaseException:
            failed.value += 1
            raise

    processes = [context.Process(target=work, args=(n,)) for n in range(clients)]
    for process in processes:
        process.start()
    ready.wait()
    cpu, began = house.cpu_s(), time.monotonic()
    go.set()
    for process in processes:
        process.join()
    seconds = time.monotonic() - began
    if failed.value:
        raise SystemExit(f"{failed.value} clients failed")
    return Load(clients * requests_each, seconds, house.cpu_s() - cpu)
