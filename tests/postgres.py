"""A throw-away PostgreSQL: one server per test process, one database per ask.

    from tests.postgres import new_database_url

    url = new_database_url()

The server runs as an unprivileged user, listens on a Unix socket in a temporary
directory only, and ends with the process.
"""

import atexit
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import pytest

from tests.support import STRICT

_START_LIMIT_S = 60
_OPTIONS = {
    "max_connections": "200",
    "shared_buffers": "32MB",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "listen_addresses": "",
}
_numbers = itertools.count(1)


def new_database_url(template: str = "template1") -> str:
    """SQLAlchemy URL of a fresh database; skips the test where there is no PostgreSQL."""
    import psycopg

    directory = _server()
    name = f"test_{next(_numbers)}"
    with psycopg.connect(_conninfo(directory), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return f"postgresql+psycopg://packhouse@/{name}?host={directory}"


def database_name(url: str) -> str:
    """The database part of what ``new_database_url`` gave, to serve as a template."""
    return url.partition("@/")[2].partition("?")[0]


@cache
def _server() -> Path:
    binaries = _binaries()
    directory = Path(tempfile.mkdtemp(prefix="pg-"))
    user = _unprivileged()
    if user is not None:
        os.chown(directory, user.pw_uid, user.pw_gid)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    _initdb(binaries / "initdb", directory / "data", user)
    settings = [word for name, value in _OPTIONS.items() for word in ("-c", f"{name}={value}")]
    command = [binaries / "postgres", "-D", directory / "data", "-k", directory, *settings]
    if shutil.which("setpriv"):
        # Even a killed test run leaves no server behind.
        command = ["setpriv", "--pdeathsig", "INT", *command]
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, **_as(user))
    atexit.register(_stop, server)
    _wait(server, directory)
    return directory


def _binaries() -> Path:
    # Debian keeps them per version, off PATH. A "postgres" elsewhere on PATH may be a mere
    # link, which cannot find its share directory.
    versioned = sorted(
        (path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")),
        key=lambda path: float(path.parent.name),
    )
    if versioned:
        return versioned[-1]
    found = shutil.which("initdb")
    if found is None:
        (pytest.fail if STRICT else pytest.skip)("not installed: postgresql")
    return Path(found).resolve().parent


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom to run as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("no unprivileged user to run PostgreSQL as")


def _as(user: pwd.struct_passwd | None) -> dict:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
    whoever = {"cwd": "/", "env": environment, "stdin": subprocess.DEVNULL}
    if user is not None:
        whoever |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return whoever


def _initdb(program: Path, data: Path, user: pwd.struct_passwd | None) -> None:
    plain = [program, "-D", data, "-U", "packhouse", "-A", "trust", "-E", "UTF8", "--no-sync"]
    # A linguistic default collation, so that forgetting to ask for byte order shows.
    linguistic = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
    last = None
    for command in ([*plain, *linguistic], [*plain, "--locale=C.UTF-8"]):
        last = subprocess.run(command, capture_output=True, text=True, **_as(user))
        if last.returncode == 0:
            return
        shutil.rmtree(data, ignore_errors=True)
    raise RuntimeError(f"initdb failed: {last.stderr}")


def _wait(server: subprocess.Popen, directory: Path) -> None:
    import psycopg

    deadline = time.monotonic() + _START_LIMIT_S
    while True:
        try:
            psycopg.connect(_conninfo(directory)).close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((directory / "log").read_text()) from None
            time.sleep(0.02)


def _stop(server: subprocess.Popen) -> None:
    server.send_signal(signal.SIGINT)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _conninfo(directory: Path) -> str:
    return f"host={directory} user=packhouse dbname=postgres"
