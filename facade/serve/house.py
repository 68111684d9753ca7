"""Starts a whole house, or parts of one, under the supervisor."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import AlreadyExists

from ..logformat import log_to_stderr
from ..settings import Settings
from . import redis
from .memory import give_memory_back
from .supervisor import Supervisor

ROLES = ("redis", "scheduler", "worker", "facade")
"""The parts of a house, in starting order."""


def serve(settings: Settings, only: Collection[str] = ROLES) -> None:
    """Run the house until SIGTERM or SIGINT.

    Args:
        settings: Without a Redis URL, a private server is started.
        only: The parts to run.

    Raises:
        AlreadyExists: Another house serves this data directory.
    """
    give_memory_back()
    from .roles import prepare, roles

    log_to_stderr(settings.log_level)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    own_redis = not settings.redis_url
    if own_redis:
        settings = dataclasses.replace(settings, redis_url=redis.private_url(settings.data_dir))
    wanted = [name for name in ROLES if name in only and (own_redis or name != "redis")]
    with _alone(settings.data_dir, wanted):
        if "redis" in wanted:
            redis.stop_stray(settings.data_dir)
        password = prepare(settings)
        if password:
            sys.stdout.write(f"account Admin created, password: {password}\n")
        sys.stdout.write(f"packhouse serves {settings.url} from {settings.data_dir}\n")
        sys.stdout.flush()
        Supervisor(roles(settings, wanted)).run()


@contextmanager
def _alone(data_dir: Path, wanted: Collection[str]) -> Iterator[None]:
    """Hold the directory's lock for each part that may run once only."""
    held = []
    try:
        for name in wanted:
            if name != "worker":
                descriptor = os.open(data_dir / f".{name}.lock", os.O_CREAT | os.O_RDWR, 0o600)
                held.append(descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise AlreadyExists(
            f"another house serves {data_dir}", hint="stop it first, or give another --data"
        ) from None
    finally:
        for descriptor in held:
            os.close(descriptor)
