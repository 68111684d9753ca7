"""Base roots: unpacked once under a key, never written again."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from . import hostroot, sources
from .base import Base, ChrootBroken
from .cache import DirectoryCache, Lease
from .fixup import write_fixup
from .modes import Mode

_log = logging.getLogger(__name__)

_FORMAT = "4"  # of what is written here; a change makes new bases
_PACKAGES = ("fakeroot", "rpm")
_MAKE_TIMEOUT_S = 1800
_HOST_NOTICE = (
    "note: this root is the build machine's own system, read-only; "
    "packages installed there by hand are visible to the build"
)

Kind = Literal["mmdebstrap", "tarball", "directory", "host"]


# mmdebstrap in root mode mounts /proc, /sys and /dev/pts into the new root. In namespaces of
# its own these end with it, whoever is killed first.
_CONTAINED = (
    *("setpriv", "--pdeathsig", "KILL", "unshare"),
    *("--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
)


@dataclass(frozen=True, slots=True)
class BaseSpec:
    """How one base root is made.

    Attributes:
        kind: ``mmdebstrap`` unpacks a Debian or Ubuntu release, ``tarball`` a
            packed root, ``directory`` uses one that is there, ``host`` this machine.
        suite: Code name for mmdebstrap; empty = this machine's.
        source: Tarball or directory.
        packages: Put in besides the standard build tools (mmdebstrap).
    """

    kind: str = "mmdebstrap"
    suite: str = ""
    source: str = ""
    packages: tuple[str, ...] = ()


class BaseRoots:
    """All base roots of one cache directory."""

    def __init__(self, cache_dir: Path, mode: Mode) -> None:
        """Keep bases below ``cache_dir/bases`` in the form ``mode`` needs."""
        self._cache = DirectoryCache(cache_dir / "bases")
        self._mode = mode
        self._leases: dict[tuple[int, str], Lease] = {}

    def get(self, spec: BaseSpec) -> Base:
        """The base root, made first when it is missing.

        Call it before the process isolates itself: making one may need more
        uids than a rootless namespace has.

        Raises:
            ChrootBroken: It cannot be made.
        """
        kind = self._possible(spec)
        key = self._key(spec, kind)
        lease = self._leases.get((os.getpid(), key))
        if lease is None:
            lease = self._cache.acquire(key, lambda target: self._make(spec, kind, target))
            self._leases[os.getpid(), key] = lease
        return self._describe(spec, kind, lease)

    def sweep(self) -> None:
        """Remove half-made bases."""
        self._cache.sweep()

    def _possible(self, spec: BaseSpec) -> Kind:
        if spec.kind == "mmdebstrap":
            if shutil.which("mmdebstrap") and (self._mode is Mode.ROOT or _may_map_uids()):
                return "mmdebstrap"
            _log.warning("no base root can be unpacked here, the machine's own tree is used")
            return "host"
        if spec.kind in ("tarball", "directory", "host"):
            return spec.kind  # type: ignore[return-value]
        raise ChrootBroken(f"unknown kind of base root '{spec.kind}'")

    def _key(self, spec: BaseSpec, kind: Kind) -> str:
        facts = asdict(spec) | {"format": _FORMAT, "mode": self._mode.value, "kind": kind}
        facts["machine"] = platform.machine()
        if kind == "mmdebstrap":
            facts["suite"] = _suite(spec)
        elif kind == "tarball":
            facts["stamp"] = _stamp(Path(spec.source))
        elif kind == "host":
            facts["stamp"] = hostroot.stamp()
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        return f"{kind}-{digest[:16]}"

    def _make(self, spec: BaseSpec, kind: Kind, target: Path) -> dict[str, str]:
        _log.info("base root is being made", extra={"kind": kind, "suite": spec.suite})
        root = target / "root"
        if kind == "mmdebstrap":
            root.mkdir()
            self._debootstrap(spec, root)
        elif kind == "tarball":
            root.mkdir()
            self._unpack(["tar", "-xp", "-f", spec.source], root)
        elif kind == "directory":
            root = Path(spec.source)
            if not root.is_dir():
                raise ChrootBroken("the base root's directory does not exist", directory=str(root))
        else:
            hostroot.write_tree(root)
        write_fixup(target / "fixup", root)
        return {"id": _identity(root, target.name)}

    def _describe(self, spec: BaseSpec, kind: Kind, lease: Lease) -> Base:
        root = Path(spec.source) if kind == "directory" else lease.path / "root"
        status = root / "var/lib/dpkg/status"
        return Base(
            id=lease.facts["id"],
            lowers=(lease.path / "fixup", root),
            status=status if status.is_file() else None,
            sources="\n".join(sources.host_sources(_suite(spec)))
            if kind == "host"
            else sources.read_sources(root),
            shown=hostroot.shown() if kind == "host" else (),
            notice=_HOST_NOTICE if kind == "host" else "",
        )

    def _debootstrap(self, spec: BaseSpec, root: Path) -> None:
        suite = _suite(spec)
        include = ",".join(dict.fromkeys((*_PACKAGES, *spec.packages)))
        line = ["mmdebstrap", "--variant=buildd", f"--include={include}"]
        line += [f"--aptopt={option}" for option in proxy_options()]
        origins = sources.host_sources(suite) if suite == _host_suite() else []
        if self._mode is Mode.ROOT:
            line += ["--mode=root", "--format=directory", suite, str(root), *origins]
            result = subprocess.run(
                [*_CONTAINED, *line],
                capture_output=True,
                text=True,
                check=False,
                env=_environment(),
                umask=0o022,
            )
            code, message = result.returncode, result.stderr
        else:
            line += ["--mode=unshare", "--format=tar", suite, "-", *origins]
            code, message = self._unpack_output(line, root)
        if code:
            reason = message[-2000:]
            raise ChrootBroken(f"mmdebstrap could not make a root of {suite}", reason=reason)

    def _unpack_output(self, line: list[str], root: Path) -> tuple[int, str]:
        """Unpack the tarball a command writes, so that every file becomes the caller's own."""
        with subprocess.Popen(
            line,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=_environment(),
            umask=0o022,
        ) as maker:
            assert maker.stdout is not None
            assert maker.stderr is not None
            try:
                self._unpack(["tar", "-xp", "-f", "-"], root, maker.stdout.fileno())
            finally:
                maker.stdout.close()
                message = maker.stderr.read().decode(errors="replace")
            return maker.wait(), message

    def _unpack(self, line: list[str], root: Path, source_fd: int | None = None) -> None:
        owner = ["--numeric-owner"] if self._mode is Mode.ROOT else ["--no-same-owner"]
        line = [*line, *owner, "--exclude=./dev/*", "--exclude=dev/*", "-C", str(root)]
        result = subprocess.run(
            line,
            stdin=source_fd if source_fd is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_MAKE_TIMEOUT_S,
        )
        if result.returncode or not (root / "usr").is_dir():
            raise ChrootBroken("the base root cannot be unpacked", reason=result.stderr[-2000:])


def proxy_options() -> list[str]:
    """Proxy settings of this machine's apt, as ``Name "value"`` without the semicolon."""
    names = ("Acquire::http::Proxy", "Acquire::https::Proxy")
    line = ["apt-config", "dump", "--no-empty", "--format", '%f "%v"%n', *names]
    try:
        result = subprocess.run(line, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return []
    return [line for line in result.stdout.splitlines() if '"' in line]


def _identity(root: Path, key: str) -> str:
    """Changes with every package version in a root; with the key where no list is kept."""
    digest = hashlib.sha256(key.encode())
    status = root / "var/lib/dpkg/status"
    if status.is_file():
        wanted = ("Package: ", "Version: ", "Architecture: ")
        for line in status.read_text(errors="replace").splitlines():
            if line.startswith(wanted):
                digest.update(line.encode())
    return digest.hexdigest()[:16]


def _host_suite() -> str:
    return sources.host_release().get("VERSION_CODENAME", "")


def _suite(spec: BaseSpec) -> str:
    return spec.suite or _host_suite() or "stable"


def _stamp(path: Path) -> str:
    try:
        facts = path.stat()
    except OSError as error:
        raise ChrootBroken("the base root's tarball cannot be read", path=str(path)) from error
    return f"{path.resolve()} {facts.st_size} {facts.st_mtime_ns}"


def _may_map_uids() -> bool:
    """Whether mmdebstrap can use a range of subordinate uids."""
    if shutil.which("newuidmap") is None:
        return False
    try:
        lines = Path("/etc/subuid").read_text().splitlines()
    except OSError:
        return False
    names = {str(os.getuid())}
    passwd = Path("/etc/passwd").read_text().splitlines()
    names |= {row.split(":")[0] for row in passwd if row.split(":")[2:3] == [str(os.getuid())]}
    return any(line.split(":")[0] in names for line in lines)


def _environment() -> dict[str, str]:
    kept = ("PATH", "http_proxy", "https_proxy", "no_proxy", "TMPDIR", "HOME")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C.UTF-8"}
