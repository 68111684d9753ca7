"""The git door as gunicorn serves it: ``gunicorn 'tests.facade.git.serving:app(...)'``."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.facade.git.conftest import Door, GitHouse

_ROOT = Path(__file__).parents[3]


def app(data_dir, home, native):
    house = GitHouse.__new__(GitHouse)
    house.open(Path(data_dir), native_git=native == "native")
    house.home = home
    return house.app()


class Server:
    """One gunicorn master with one worker of several threads, in a process group of its own."""

    def __init__(self, house, native):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.door = Door(house, f"http://127.0.0.1:{self.port}")
        arguments = ", ".join(repr(str(word)) for word in (house.data_dir, house.home, native))
        options = (
            "--worker-class=gthread",
            "--threads=4",
            f"--bind=127.0.0.1:{self.port}",
            "--no-control-socket",
            "--log-level=error",
            f"tests.facade.git.serving:app({arguments})",
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options], cwd=_ROOT, start_new_session=True
        )
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            assert self.process.poll() is None, "the server did not start"
            time.sleep(0.02)
        raise AssertionError("the server does not answer")

    def git_children(self):
        """Git processes below the server."""
        import psutil

        found = []
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if process.name() == "git" and process.status() != psutil.STATUS_ZOMBIE:
                        found.append(process)
        return found

    def kill(self):
        """Kill -9, without any farewell; the worker and its children too."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


@contextlib.contextmanager
def gunicorn(house, native="native"):
    server = Server(house, native)
    try:
        yield server
    finally:
        server.stop()


def until(condition, seconds=20):
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")
