"""What each child process of a house does.

Everything is imported here, once, before the supervisor forks.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Collection
from functools import partial
from types import FrameType
from typing import cast

from builder import worker
from builder.planner.loop import Scheduler
from builder.publish import publish
from builder.queue import RqQueue
from builder.reconciler import Reconciler
from builder.srpm.run import run_source

from ..app import create_app
from ..bootstrap import base_projects, first_account
from ..settings import Settings
from ..wiring import build_house
from . import redis
from .supervisor import Role
from .web import run_web

_BUILD_GRACE_S = 20.0
"""Time a worker gets to give its running build back."""


def prepare(settings: Settings) -> str | None:
    """Bring the data directory into shape before anything runs.

    Returns:
        The generated password of the first account, if one was made.
    """
    house = build_house(settings)
    try:
        house.storage.sweep()
        password = first_account(house)
        base_projects(house)
        return password
    finally:
        house.records.close()


def roles(settings: Settings, wanted: Collection[str]) -> list[Role]:
    """The child processes for these parts, in starting order."""
    found = []
    if "redis" in wanted:
        found.append(Role("redis", partial(redis.run_private, settings.data_dir)))
    if "scheduler" in wanted:
        found.append(Role("scheduler", _after_redis(settings, _schedule)))
    if "worker" in wanted:
        for number in range(1, settings.build_workers + 1):
            run = _after_redis(settings, _work)
            found.append(Role(f"worker-{number}", run, grace_s=_BUILD_GRACE_S))
    if "facade" in wanted:
        found.append(Role("facade", _after_redis(settings, _answer)))
    return found


def _after_redis(settings: Settings, run: Callable[[Settings], None]) -> Callable[[], None]:
    def child() -> None:
        redis.wait_until_up(settings.redis_url)
        run(settings)

    return child


def _schedule(settings: Settings) -> None:
    """Plan, dispatch and publish; a second thread keeps SQL and workers in agreement."""
    house = build_house(settings).builder
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        house.queue.wake()

    signal.signal(signal.SIGTERM, on_signal)
    reconciler = threading.Thread(target=Reconciler(house).run, args=(stop,), daemon=True)
    reconciler.start()
    Scheduler(house, publish=partial(publish, house)).run(stop)
    reconciler.join(timeout=5)


def _work(settings: Settings) -> None:
    house = build_house(settings).builder
    worker.register_source(run_source)
    worker.serve(house, cast(RqQueue, house.queue))


def _answer(settings: Settings) -> None:
    run_web(create_app(build_house(settings)), settings)
