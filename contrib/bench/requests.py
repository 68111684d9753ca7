"""Commits, listings and file reads per second, and what each costs the house."""

from contrib.bench.house import BenchHouse, Client
from contrib.bench.load import measure

PROJECT = "bench"


def run(house: BenchHouse, scale: float) -> None:
    """Print the figures of the request path."""
    admin = house.client()
    admin.make_project(PROJECT)
    for worker in range(8):
        admin.make_package(PROJECT, f"p{worker}")
    admin.make_package(PROJECT, "shared")
    for n in range(30):
        admin.call("PUT", f"/source/{PROJECT}/shared/file{n}", f"content {n}\n" * 200)
    _commits(house, max(20, int(300 * scale)))
    _reads(house, max(50, int(1500 * scale)))


def _commits(house: BenchHouse, count: int) -> None:
    def commit(client: Client, worker: int, n: int) -> None:
        client.call("PUT", f"/source/{PROJECT}/p{worker}/f", f"{worker} {n}\n")

    def commit_shared(client: Client, worker: int, n: int) -> None:
        client.call("PUT", f"/source/{PROJECT}/shared/w{worker}", f"{worker} {n}\n")

    one = measure(house, 1, count, commit)
    eight = measure(house, 8, count // 4, commit)
    same = measure(house, 8, count // 8, commit_shared)
    print(f"commits/s, 1 client:                 {one.per_s:8.0f}   CPU {one.cpu_ms:.2f} ms each")
    print(f"commits/s, 8 clients, own packages:  {eight.per_s:8.0f}   CPU {eight.cpu_ms:.2f} ms")
    print(f"commits/s, 8 clients, one package:   {same.per_s:8.0f}   CPU {same.cpu_ms:.2f} ms")


def _reads(house: BenchHouse, count: int) -> None:
    paths = {
        "listings/s": f"/source/{PROJECT}/shared?rev=latest",
        "old file reads/s": f"/source/{PROJECT}/shared/file3?rev=8",
        "file reads/s": f"/source/{PROJECT}/shared/file3",
        "package metas/s": f"/source/{PROJECT}/shared/_meta",
    }
    for name, path in paths.items():
        for clients in (1, 16):
            load = measure(
                house, clients, count // clients, lambda c, _w, _n, p=path: c.call("GET", p)
            )
            print(
                f"{name + f', {clients} clients:':36} {load.per_s:8.0f}   CPU {load.cpu_ms:.2f} ms"
            )
