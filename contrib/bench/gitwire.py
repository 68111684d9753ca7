"""Clone and push of long histories, against git's own http-backend."""

import os
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from contrib.bench.house import BenchHouse


def run(house: BenchHouse, scale: float) -> None:
    """Print seconds and ratios for 2,000 commits (at full scale)."""
    commits = max(100, int(2000 * scale))
    admin = house.client()
    admin.make_project("wire")
    admin.make_package("wire", "history")
    with tempfile.TemporaryDirectory() as work:
        source = _history(Path(work, "source"), commits)
        native = _Native(Path(work, "native"))
        ours = house.git_url("wire", "history")
        rows = [
            (
                "push",
                _timed(source, "push", "-q", ours, "main"),
                _timed(source, "push", "-q", native.url, "main"),
            ),
        ]
        best = {}
        for round_ in range(3):
            for name, url in (("ours", ours), ("native", native.url)):
                seconds = _timed(Path(work), "clone", "-q", url, f"{name}{round_}")
                best[name] = min(best.get(name, seconds), seconds)
        rows.append(("clone", best["ours"], best["native"]))
        native.close()
    for verb, mine, theirs in rows:
        print(
            f"{verb} of {commits} commits: {mine:.2f} s, native {theirs:.2f} s, "
            f"ratio {mine / theirs:.2f} (limit 2)"
        )


def _timed(where: Path, *words: str) -> float:
    began = time.monotonic()
    subprocess.run(["git", *words], cwd=where, check=True, capture_output=True)
    return time.monotonic() - began


def _history(path: Path, commits: int) -> Path:
    """A repository with that many commits on 50 files, made by fast-import."""
    subprocess.run(["git", "init", "-q", "-b", "main", path], check=True)
    stream = []
    for n in range(commits):
        text = "".join(f"line {line} of {n}\n" for line in range(40))
        stream.append(
            f"commit refs/heads/main\ncommitter A <a@example.org> {1700000000 + n} +0000\n"
            f"data 8\ncommit {n % 10}"
            f"\nM 100644 inline file{n % 50}\ndata {len(text)}\n{text}\n"
        )
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=path, input="".join(stream), text=True, check=True
    )
    subprocess.run(["git", "reset", "-q", "--hard"], cwd=path, check=True)
    return path


class _Native:
    """git http-backend behind a small CGI server."""

    def __init__(self, root: Path) -> None:
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", root / "x.git"], check=True)
        subprocess.run(
            ["git", "-C", root / "x.git", "config", "http.receivepack", "true"], check=True
        )
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(root))
        self.url = f"http://127.0.0.1:{self._server.server_port}/x.git"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()


def _handler(root: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._backend(b"")

        def do_POST(self) -> None:
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers["Content-Length"]))
            self._backend(body)

        def _backend(self, body: bytes) -> None:
            path, _, query = self.path.partition("?")
            environ = os.environ | {
                "GIT_PROJECT_ROOT": str(root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            }
            out = subprocess.run(
                ["git", "http-backend"], input=body, env=environ, capture_output=True, check=True
            ).stdout
            head, _, content = out.partition(b"\r\n\r\n")
            self.send_response(200)
            for line in head.decode().splitlines():
                name, _, value = line.partition(": ")
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    return Handler
