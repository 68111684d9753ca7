"""People with the three clients on their desks."""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from contrib.bench.house import BenchHouse, Client
from tests.scenarios.osc import Osc

T = TypeVar("T")
COPR_CLI = Path(sys.executable).with_name("copr-cli")
PACKHOUSE = Path(sys.executable).with_name("packhouse")


@dataclass
class Person:
    """One account and a directory of its own."""

    house: BenchHouse
    login: str
    password: str
    desk: Path

    def __post_init__(self) -> None:
        self.osc = Osc(self.house.url, self.desk, self.login, self.password)
        self.copr_config = self.desk / "copr"
        self.copr_config.write_text(admin(self.house, "token", self.login, "--copr"))

    def get(self, path: str) -> bytes:
        """What a plain GET with this account answers."""
        with Client(self.house.host, self.house.port, self.login, self.password) as client:
            return client.call("GET", path)

    def copr(self, *words: str) -> str:
        """Run copr-cli; it must succeed."""
        done = self._run([COPR_CLI, "--config", self.copr_config, *words])
        assert done.returncode == 0, f"copr-cli {words}: {done.stdout}{done.stderr}"
        return done.stdout

    def git(self, *words: str, at: str = ".") -> str:
        """Run git as this person; it must succeed; gives both outputs."""
        done = self.try_git(*words, at=at)
        assert done.returncode == 0, f"git {words}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def try_git(self, *words: str, at: str = ".") -> subprocess.CompletedProcess[str]:
        """Run git as this person."""
        names = (
            *("-c", f"user.name={self.login.title()}"),
            *("-c", f"user.email={self.login}@example.org"),
        )
        return self._run(["git", *names, *words], self.desk / at)

    def git_url(self, project: str, package: str) -> str:
        """Clone URL with credentials."""
        place = f"{self.house.host}:{self.house.port}"
        return f"http://{self.login}:{self.password}@{place}/git/{project}/{package}.git"

    def results(self, project: str) -> dict[str, str]:
        """Package states; of several repositories the last."""
        document = ElementTree.fromstring(self.get(f"/build/{project}/_result"))
        return {s.get("package", ""): s.get("code", "") for s in document.iter("status")}

    def published(self, project: str) -> bool:
        """Whether every repository of the project is at rest and published."""
        document = ElementTree.fromstring(self.get(f"/build/{project}/_result"))
        return all(
            result.get("code") == "published" and result.get("dirty") != "true"
            for result in document.iter("result")
        )

    def _run(self, argv: list, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv,
            cwd=cwd or self.desk,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.desk),
                "LC_ALL": "C.UTF-8",
                "GIT_TERMINAL_PROMPT": "0",
            },
        )


def admin(house: BenchHouse, *words: str, stdin: str = "") -> str:
    """Run ``packhouse admin`` on a house."""
    done = subprocess.run(
        [PACKHOUSE, "admin", *words, "--data", house.data],
        input=stdin,
        text=True,
        capture_output=True,
        env=os.environ | {"PACKHOUSE_LISTEN": f"{house.host}:{house.port}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def eventually(question: Callable[[], T], within_s: float = 60) -> T:
    """Ask again until the answer is true; gives that answer."""
    deadline = time.monotonic() + within_s
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)
