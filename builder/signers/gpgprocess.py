"""Running gpg: short home path, no terminal, no agent left behind."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .base import SigningFailed

logger = logging.getLogger(__name__)

_TIMEOUT_S = 120.0
_RUNTIME_SOCKETS = Path(f"/run/user/{os.getuid()}/gnupg")
_PASSED_ON = ("PATH", "TMPDIR")


@dataclass(frozen=True, slots=True)
class GpgHome:
    """An open gpg home; ``path`` is short enough for the agent's socket."""

    path: Path

    @property
    def environment(self) -> dict[str, str]:
        """Environment of programs that call gpg themselves."""
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return {**kept, "GNUPGHOME": str(self.path), "HOME": str(self.path), "LC_ALL": "C.UTF-8"}

    def gpg(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run gpg and return what it wrote to standard output.

        Raises:
            SigningFailed: gpg is missing, failed or took too long.
        """
        options = [
            "--no-autostart",
            "--batch",
            "--no-tty",
            "--yes",
            "--quiet",
            "--pinentry-mode",
            "loopback",
        ]
        return self.run(["gpg", *options, "--passphrase", "", *arguments], stdin=stdin)

    def run(self, command: Sequence[str], stdin: bytes = b"") -> bytes:
        """Run any program in this environment; see ``gpg``."""
        try:
            done = subprocess.run(
                command,
                input=stdin,
                capture_output=True,
                env=self.environment,
                cwd="/",
                timeout=_TIMEOUT_S,
                check=False,
            )
        except FileNotFoundError as error:
            raise SigningFailed(f"{command[0]} is not installed") from error
        except subprocess.TimeoutExpired as error:
            raise SigningFailed(f"{command[0]} took longer than {_TIMEOUT_S:.0f} s") from error
        if done.returncode != 0:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else f"exit status {done.returncode}"
            raise SigningFailed(f"{command[0]} failed: {reason}"[:500])
        return done.stdout


@contextmanager
def open_home(directory: Path) -> Iterator[GpgHome]:
    """Work in the gpg home ``directory``; its agent lives as long as this block.

    gpg-agent listens on a socket in the home, and such a path may have 108
    bytes at most; a symbolic link in a short temporary directory keeps it
    below that wherever the data directory lies.

    Raises:
        SigningFailed: gpg-agent cannot be started.
    """
    directory.mkdir(mode=0o700, exist_ok=True)
    short = Path(tempfile.mkdtemp(prefix="ph-", dir="/tmp"))
    home = GpgHome(short / "h")
    try:
        home.path.symlink_to(directory.resolve())
        with _agent(home):
            yield home
    finally:
        shutil.rmtree(short, ignore_errors=True)


@contextmanager
def _agent(home: GpgHome) -> Iterator[None]:
    """Run the agent as the guard of a ``cat`` that reads from us.

    gpg would start one by itself that nobody ends when this process is killed.
    This one ends within seconds of its ``cat``, which ends with our pipe.
    """
    guarded = _start_agent(home)
    if guarded is None:
        # One of a process that died is still there, for some seconds at most.
        _end_agent(home)
        guarded = _start_agent(home)
    if guarded is None:
        raise SigningFailed("gpg-agent cannot be started")
    try:
        with guarded:
            yield
    finally:
        _end_agent(home)


def _start_agent(home: GpgHome) -> subprocess.Popen[bytes] | None:
    try:
        guarded = subprocess.Popen(
            ["gpg-agent", "--daemon", "--", "cat"],
            env=home.environment,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise SigningFailed("gpg-agent is not installed") from error
    assert guarded.stdin is not None
    assert guarded.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        guarded.stdin.write(b"\n")
        guarded.stdin.flush()
        if guarded.stdout.readline():
            return guarded
    with contextlib.suppress(BrokenPipeError), guarded:
        pass
    return None


def _end_agent(home: GpgHome) -> None:
    try:
        home.run(["gpgconf", "--kill", "all"])
        if _RUNTIME_SOCKETS.is_dir():
            # There, not in the home, gpg has then made a directory for this home.
            home.run(["gpgconf", "--remove-socketdir"])
    except SigningFailed as error:
        # The agent ends by itself, some seconds after its ``cat``.
        logger.warning("gpg_agent_not_ended", extra={"reason": error.message})
