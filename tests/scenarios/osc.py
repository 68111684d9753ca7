"""The real osc against a server of this process."""

import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from werkzeug.serving import make_server

OSC = Path(sys.executable).with_name("osc")


class LiveServer:
    """The application behind a real socket."""

    def __init__(self, app: Flask) -> None:
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass
class Osc:
    """One person at one desk: an osc configuration and a directory for working copies."""

    url: str
    desk: Path
    login: str
    password: str
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk.mkdir(parents=True, exist_ok=True)
        self.config = self.desk / "oscrc"
        self.config.write_text(
            f"[general]\napiurl = {self.url}\n\n[{self.url}]\nuser = {self.login}\n"
            f"pass = {self.password}\nallow_http = 1\n"
            "credentials_mgr_class = osc.credentials.PlaintextConfigFileCredentialsManager\n"
        )
        self.config.chmod(0o600)

    def run(
        self, *arguments: str, at: str = ".", stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.desk),
            "LC_ALL": "C.UTF-8",
            "EDITOR": "true",
        }
        return subprocess.run(
            [str(OSC), "--config", str(self.config), *arguments],
            cwd=self.desk / at,
            env=environment,
            input=stdin,
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )

    def __call__(self, *arguments: str, at: str = ".", stdin: str = "") -> str:
        """Run osc; it must succeed; gives what it printed."""
        done = self.run(*arguments, at=at, stdin=stdin)
        assert done.returncode == 0, f"osc {arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def fails(self, *arguments: str, at: str = ".", stdin: str = "") -> str:
        """Run osc; it must fail; gives what it said."""
        done = self.run(*arguments, at=at, stdin=stdin)
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr
