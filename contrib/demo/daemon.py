"""Starts, finds and stops the demo house; remembers it in one directory."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

READY_TIMEOUT_S = 120


@dataclass(frozen=True)
class Daemon:
    """A house of ours: where it is kept and where it listens."""

    root: Path
    data: Path
    listen: str

    @property
    def url(self) -> str:
        return f"http://{self.listen}"

    def packhouse(self, *words: str, stdin: str = "") -> str:
        """Run the packhouse command on this house and return what it printed."""
        program = Path(sys.executable).with_name("packhouse")
        return subprocess.run(
            [program, *words, "--data", self.data],
            input=stdin,
            text=True,
            check=True,
            capture_output=True,
            env=os.environ | {"PACKHOUSE_LISTEN": self.listen},
        ).stdout


def start(root: Path) -> Daemon:
    """The running house of this directory, started if it is not up."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = _read_state(root)
    if known and _alive(known["pid"]) and is_ready(f"http://{known['listen']}"):
        return Daemon(root, Path(known["data"]), known["listen"])
    if known:
        stop(root)
    data = Path(os.environ.get("PACKHOUSE_DATA_DIR", root / "data")).resolve()
    listen = os.environ.get("PACKHOUSE_LISTEN") or f"127.0.0.1:{_free_port(8000)}"
    program = Path(sys.executable).with_name("packhouse")
    with (root / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [program, "serve", "--data", data, "--listen", listen],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {"PACKHOUSE_ADMIN_PASSWORD": admin_password(root)},
        )
    state = {"pid": process.pid, "listen": listen, "data": str(data)}
    (root / "house.json").write_text(json.dumps(state))
    _wait_until_ready(process, f"http://{listen}", root / "serve.log")
    return Daemon(root, data, listen)


def stop(root: Path) -> bool:
    """End the house of this directory; False when none was running."""
    known = _read_state(root)
    (root / "house.json").unlink(missing_ok=True)
    if not known or not _alive(known["pid"]):
        return False
    os.kill(known["pid"], signal.SIGTERM)
    deadline = time.monotonic() + 60
    while _alive(known["pid"]):
        if time.monotonic() > deadline:
            os.kill(known["pid"], signal.SIGKILL)
        time.sleep(0.1)
    return True


def admin_password(root: Path) -> str:
    """The Admin password of this house, generated the first time."""
    path = root / "admin-password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(18) + "\n")
    return path.read_text().strip()


def is_ready(url: str) -> bool:
    """Whether the house serves."""
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def memory_kib(pid: int) -> tuple[int, int]:
    """Sum of the proportional set sizes (KiB) of a process and all below it, and their number."""
    tree = {pid}
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    grown = True
    while grown:
        below = {child for child, parent in parents.items() if parent in tree} - tree
        tree |= below
        grown = bool(below)
    total = 0
    for member in tree:
        try:
            rollup = Path(f"/proc/{member}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line[:4] == "Pss:")
    return total, len(tree)


def state_pid(root: Path) -> int:
    """Process id of the running house."""
    return int(json.loads((root / "house.json").read_text())["pid"])


def _read_state(root: Path) -> dict | None:
    try:
        return json.loads((root / "house.json").read_text())
    except (OSError, ValueError):
        return None


def _alive(pid: int) -> bool:
    """Whether that process is (still) a house and not somebody else's."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"serve" in words


def _free_port(first: int) -> int:
    for port in range(first, first + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    sys.exit("packhouse: no free port from 8000 to 8099; set PACKHOUSE_LISTEN=HOST:PORT")


def _wait_until_ready(process: subprocess.Popen, url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not is_ready(url):
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            sys.exit(f"packhouse: the house did not start; end of {log}:\n{tail}")
        time.sleep(0.1)
