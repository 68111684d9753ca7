"""A private apt on the host: it resolves and downloads for a base root and installs nothing."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from .base import Base, ChrootBroken, Unresolvable
from .bases import proxy_options

_log = logging.getLogger(__name__)

_LISTS_AGE_S = 24 * 3600
_TIMEOUT_S = 900
_MEMOS = 500
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*(:[a-z0-9-]+)?(=[A-Za-z0-9.+~:-]+)?")
_URI = re.compile(r"'([^']+)' (\S+) (\d+) ?(\S*)")
_CONFIG = """\
Dir "/";
Dir::State "{directory}/state";
Dir::State::status "{status}";
Dir::Cache "{directory}/cache";
Dir::Log "{directory}/log";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "{directory}/none";
Dir::Etc::sourcelist "{directory}/sources.list";
Dir::Etc::sourceparts "{directory}/none";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "{directory}/none";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Get::Assume-Yes "true";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "60";
Acquire::IndexTargets::deb-src::Sources::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Debug::NoLocking "true";
"""
_LOUD = re.compile(r"^(E: |W: |Err:)|: (Pre)?Depends: |: Conflicts: |: Breaks: |but it is not")


@dataclass(frozen=True, slots=True)
class Deb:
    """One package file apt wants to fetch; ``checksum`` as apt writes it (``SHA256:...``)."""

    filename: str
    checksum: str


class Apt:
    """Package lists, resolution and downloads for one base root."""

    def __init__(self, directory: Path, base: Base) -> None:
        """Keep state below ``directory``, which many processes may share."""
        if base.status is None:
            raise ChrootBroken("the base root has no dpkg database")
        self._directory = directory / base.id
        self._archives = directory / "archives"
        for name in ("state/lists/partial", "cache", "log", "none/partial"):
            (self._directory / name).mkdir(parents=True, exist_ok=True)
        (self._archives / "partial").mkdir(parents=True, exist_ok=True)
        self._config = self._directory / "apt.conf"
        text = _CONFIG.format(directory=self._directory, status=base.status)
        text += f'Dir::Cache::archives "{self._archives}";\n'
        text += "".join(f"{option};\n" for option in proxy_options())
        _replace(self._config, text)
        _replace(self._directory / "sources.list", base.sources + "\n")

    def package_lists(self) -> tuple[Path, ...]:
        """Index files of the archive, fetched when missing or older than a day."""
        with _locked(self._directory):
            self._refresh(_LISTS_AGE_S)
        return tuple(sorted((self._directory / "state/lists").glob("*_Packages")))

    def plan(self, names: Sequence[str]) -> tuple[Deb, ...]:
        """What has to be installed on the base for these packages, and nothing else.

        Raises:
            Unresolvable: They do not exist or do not go together.
        """
        for name in names:
            if not _PACKAGE.fullmatch(name):
                raise Unresolvable(f"'{name[:80]}' is no package name")
        if not names:
            return ()
        with _locked(self._directory):
            self._refresh(_LISTS_AGE_S)
            memo = self._directory / "cache" / f"plan-{self._memo_key(names)}.json"
            with contextlib.suppress(OSError, ValueError):
                return tuple(Deb(*pair) for pair in json.loads(memo.read_text()))
            try:
                debs = self._resolve(names)
            except Unresolvable:
                # The archive may have moved on since the lists were fetched.
                if not self._refresh(600):
                    raise
                debs = self._resolve(names)
            _replace(memo, json.dumps([(deb.filename, deb.checksum) for deb in debs]))
            self._forget_memos()
            return debs

    def fetch(self, names: Sequence[str], debs: Sequence[Deb]) -> tuple[Path, ...]:
        """Have the files of a plan on disk; apt has checked them against the signed lists.

        Raises:
            ChrootBroken: The archive cannot be reached or lacks a file.
        """
        with _locked(self._archives):
            paths = tuple(self._archives / deb.filename for deb in debs)
            if not all(path.is_file() for path in paths):
                result = self._get("install", "--download-only", *names)
                if result.returncode or not all(path.is_file() for path in paths):
                    raise ChrootBroken(
                        "packages of the distribution cannot be downloaded",
                        reason=_complaint(result.stdout + result.stderr),
                    )
            for path in paths:
                os.utime(path)
            return paths

    def _resolve(self, names: Sequence[str]) -> tuple[Deb, ...]:
        # Files at hand would not be listed, so the answer is asked for with an empty archive.
        empty = self._directory / "none"
        options = ["-qq", "--print-uris", "-o", f"Dir::Cache::archives={empty}"]
        result = self._get(*options, "-o", "Acquire::ForceHash=SHA256", "install", *names)
        if result.returncode:
            raise Unresolvable(_complaint(result.stdout + result.stderr) or "apt gave no reason")
        debs = []
        for match in _URI.finditer(result.stdout):
            _uri, filename, _size, checksum = match.groups()
            debs.append(Deb(unquote(filename).replace(":", "%3a"), checksum))
        return tuple(sorted(debs, key=lambda deb: deb.filename))

    def _refresh(self, age_s: float) -> bool:
        """Fetch the lists unless they are younger; whether they were fetched."""
        stamp = self._directory / "state/fetched"
        with contextlib.suppress(OSError):
            if time.time() - stamp.stat().st_mtime < age_s:
                return False
        have_lists = any((self._directory / "state/lists").glob("*_Packages"))
        result = self._get("update")
        failed = result.returncode or re.search(r"^(E: |Err:)", result.stdout, re.MULTILINE)
        if failed and not have_lists:
            raise ChrootBroken(
                "the distribution's package lists cannot be fetched",
                reason=_complaint(result.stdout + result.stderr),
            )
        if failed:
            _log.warning("package lists stay old", extra={"reason": _complaint(result.stderr)})
        stamp.touch()
        return True

    def _memo_key(self, names: Sequence[str]) -> str:
        stamp = (self._directory / "state/fetched").stat().st_mtime_ns
        return hashlib.sha256(f"{stamp} {sorted(names)}".encode()).hexdigest()[:24]

    def _forget_memos(self) -> None:
        memos = sorted((self._directory / "cache").glob("plan-*"), key=lambda p: p.stat().st_mtime)
        for memo in memos[:-_MEMOS]:
            memo.unlink(missing_ok=True)

    def _get(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        kept = {n: os.environ[n] for n in ("PATH", "http_proxy", "https_proxy") if n in os.environ}
        return subprocess.run(
            ["apt-get", *arguments],
            env={**kept, "APT_CONFIG": str(self._config), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )


def trim(directory: Path, limit_bytes: int) -> None:
    """Remove the longest unused downloads over the limit from an apt directory."""
    archives = directory / "archives"
    if not archives.is_dir():
        return
    with _locked(archives):
        files = [(path.stat(), path) for path in archives.glob("*.deb")]
        total = 0
        for facts, path in sorted(files, key=lambda file: file[0].st_mtime, reverse=True):
            total += facts.st_size
            if total > limit_bytes:
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    fd = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _complaint(text: str) -> str:
    """The lines of apt's output that say what is wrong, on one line."""
    lines = [line.strip() for line in text.splitlines() if _LOUD.search(line)]
    useful = [line for line in lines if "held broken packages" not in line] or lines
    return "; ".join(dict.fromkeys(useful))[:2000]


def _replace(path: Path, text: str) -> None:
    """Write a file others may be reading."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.rename(path)
