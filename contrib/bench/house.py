"""A house of one's own for measuring, and readings of its processes."""

import base64
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class BenchHouse:
    """Where the house is; ``pid`` is the supervisor's."""

    data: Path
    host: str
    port: int
    password: str
    pid: int

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def client(self, user: str = "Admin") -> "Client":
        return Client(self.host, self.port, user, self.password)

    def git_url(self, project: str, package: str) -> str:
        return f"http://Admin:{self.password}@{self.host}:{self.port}/git/{project}/{package}.git"

    def tree(self) -> list[int]:
        """Process ids of the supervisor and all below it."""
        parents: dict[int, int] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                parents[int(entry.name)] = int(fields[1])
        found = [self.pid]
        for pid in found:
            found.extend(child for child, parent in parents.items() if parent == pid)
        return found

    def cpu_s(self) -> float:
        """CPU seconds used so far by all processes, reaped children included."""
        total = 0
        for pid in self.tree():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            total += sum(int(field) for field in fields[11:15])
        return total / TICKS_PER_S

    def reset_peaks(self) -> None:
        """Start a new peak RSS reading in every process."""
        for pid in self.tree():
            try:
                Path(f"/proc/{pid}/clear_refs").write_text("5")
            except OSError:
                continue

    def rss_mib(self, key: str) -> dict[int, float]:
        """``VmRSS`` or ``VmHWM`` of every process, MiB."""
        found = {}
        for pid in self.tree():
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            for line in status.splitlines():
                if line.startswith(key + ":"):
                    found[pid] = int(line.split()[1]) / 1024
        return found


class Client:
    """One keep-alive connection with Basic credentials."""

    def __init__(self, host: str, port: int, user: str, password: str) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=300)
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def call(self, method: str, path: str, body=None, want: tuple[int, ...] = (200,)) -> bytes:
        """Send one request; exits the benchmark on an unexpected status."""
        headers = dict(self._headers)
        if body is not None and not isinstance(body, bytes | str):
            headers["Content-Length"] = str(os.fstat(body.fileno()).st_size)
        self._connection.request(method, path, body=body, headers=headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status not in want:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:300]!r}")
        return content

    def download(self, path: str) -> int:
        """Read an answer in pieces; returns its size in bytes."""
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        size = 0
        while piece := answer.read(1 << 20):
            size += len(piece)
        return size

    def make_project(self, project: str, repository: str = "") -> None:
        self.call(
            "PUT",
            f"/source/{project}/_meta",
            f'<project name="{project}"><title/><description/>{repository}</project>',
        )

    def make_package(self, project: str, package: str) -> None:
        self.call(
            "PUT",
            f"/source/{project}/{package}/_meta",
            f'<package name="{package}" project="{project}"><title/><description/></package>',
        )


@contextmanager
def running(*, build_workers: int = 0, cache: Path | None = None) -> Iterator[BenchHouse]:
    """A fresh house in a temporary directory, ended and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="packhouse-bench-") as directory:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        password = secrets.token_urlsafe(12)
        environ = os.environ | {
            "PACKHOUSE_ADMIN_PASSWORD": password,
            "PACKHOUSE_BUILD_WORKERS": str(build_workers),
            "PACKHOUSE_LOG_LEVEL": "warning",
        }
        if cache:
            environ["PACKHOUSE_CACHE_DIR"] = str(cache)
        program = Path(sys.executable).with_name("packhouse")
        with Path(directory, "serve.log").open("wb") as log:
            process = subprocess.Popen(
                [program, "serve", "--data", f"{directory}/data", "--listen", f"127.0.0.1:{port}"],
                env=environ,
                stdout=log,
                stderr=log,
            )
        house = BenchHouse(Path(directory, "data"), "127.0.0.1", port, password, process.pid)
        try:
            _wait(house, process, Path(directory, "serve.log"))
            yield house
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def _wait(house: BenchHouse, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection((house.host, house.port), timeout=1):
                pass
            with house.client() as client:
                client.call("GET", "/health/ready")
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(log.read_text(errors="replace")) from None
            time.sleep(0.05)
