"""Dependency layers: what one offline installation changed, kept by what was installed."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from . import hostprovides
from .apt import Apt, Deb
from .base import HOME, Base, Bind, Capture, ChrootBroken, InstallSet, Sink, Unresolvable
from .cache import DirectoryCache, Lease
from .modes import Mode
from .sandbox import Sandbox

_log = logging.getLogger(__name__)

_FORMAT = "1"  # of a layer's content; a change makes new layers
_INSTALL_TIMEOUT_S = 1800
_APT = (
    "apt-get -y -q -o APT::Sandbox::User=root -o APT::Install-Recommends=false "
    "-o Dpkg::Options::=--force-unsafe-io -o Dpkg::Options::=--force-confnew "
    "-o Dpkg::Use-Pty=0 -o Acquire::Languages=none -o Dir::Etc::sourcelist=/dev/null "
    "-o Dir::Etc::sourceparts=/dev/null install"
)
_TIDY = (
    "rm -rf /var/cache/apt/*.bin /var/cache/apt/archives/*.deb /var/log/apt /var/log/dpkg.log "
    "/var/log/alternatives.log /var/cache/ldconfig/aux-cache /var/lib/apt/lists/*; "
    "if command -v ldconfig >/dev/null; then ldconfig; fi"
)
_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"}
_NEEDED = re.compile(
    r"^\s*(.+? (?:is needed by|conflicts with|is obsoleted by|from install of) .+)$"
)
_APT_TROUBLE = re.compile(r"^(?:E: |.*(?:Depends|Conflicts|Breaks): )")

OpenRoot = Callable[[Sequence[Path]], Sandbox]
"""Makes a root over directories, topmost first."""


class Layers:
    """Makes and keeps the layers of one cache directory."""

    def __init__(self, cache_dir: Path, mode: str) -> None:
        """Keep layers below ``cache_dir/layers``; those of another mode are other layers."""
        self._cache = DirectoryCache(cache_dir / "layers")
        self._mode = mode

    def distribution(
        self, base: Base, install: InstallSet, apt: Apt | None, opened: OpenRoot, sink: Sink
    ) -> Lease | None:
        """The layer with the distribution's packages and rpm's view of them, if any is needed.

        Raises:
            Unresolvable: apt finds no way to have them all.
            ChrootBroken: They cannot be fetched or installed.
        """
        debs: tuple[Deb, ...] = ()
        if install.debs:
            if apt is None:
                raise Unresolvable("the base root has no packages of a distribution to add")
            debs = apt.plan(install.debs)
            _refuse_shown(base, [deb.filename for deb in debs])
        wants_rpm = install.rpm and base.status is not None
        if not debs and not wants_rpm:
            return None
        extra = install.provides if wants_rpm else ()
        key = self._key("d", base.id, [[d.filename, d.checksum] for d in debs], wants_rpm, extra)

        def make(target: Path) -> dict[str, str]:
            files = apt.fetch(install.debs, debs) if apt and debs else ()
            with opened(base.lowers) as root:
                if files:
                    _install_debs(root, files, sink)
                if wants_rpm:
                    _install_host_provides(root, install)
                _save(root, target)
            return {}

        return self._cache.acquire(key, make)

    def project(
        self,
        base: Base,
        below: Lease | None,
        install: InstallSet,
        opened: OpenRoot,
        sink: Sink,
    ) -> Lease | None:
        """The layer with packages built in this house, over the distribution's layer.

        Raises:
            Unresolvable: rpm or apt refuses to install them.
        """
        files = (*install.project_debs, *install.rpms)
        if not files:
            return None
        _refuse_shown(base, [path.name for path in files])
        sums = sorted([path.name, _checksum(path)] for path in files)
        key = self._key("p", base.id, below.path.name if below else "", sums)

        def make(target: Path) -> dict[str, str]:
            lowers = ((below.path / "tree",) if below else ()) + base.lowers
            with opened(lowers) as root:
                if install.project_debs:
                    _install_debs(root, install.project_debs, sink)
                if install.rpms:
                    _install_rpms(root, install.rpms, sink)
                _save(root, target)
            return {}

        return self._cache.acquire(key, make)

    def sweep(self, limit_bytes: int) -> None:
        """Remove half-made layers and the least used ones over the limit."""
        self._cache.sweep(limit_bytes)

    def _key(self, kind: str, *facts: object) -> str:
        text = json.dumps([_FORMAT, self._mode, kind, *facts])
        return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _refuse_shown(base: Base, names: Sequence[str]) -> None:
    """The machine's own system cannot take packages for one build."""
    if base.shown and names:
        raise Unresolvable(f"not installed on the build machine: {', '.join(names)}"[:1000])


def _install_debs(root: Sandbox, files: Sequence[Path], sink: Sink) -> None:
    binds, names = _shown(files, "debs")
    script = f"set -e; {_APT} {' '.join(map(shlex.quote, names))}; {_TIDY}"
    output = _Tee(sink)
    _run(root, script, output, binds, lambda text: _lines(text, _APT_TROUBLE))


def _install_rpms(root: Sandbox, files: Sequence[Path], sink: Sink) -> None:
    binds, names = _shown(files, "rpms")
    script = (
        f"set -e; rpm -i --nosignature --noplugins {' '.join(map(shlex.quote, names))}; {_TIDY}"
    )
    _run(root, script, _Tee(sink), binds, lambda text: _lines(text, _NEEDED))


def _install_host_provides(root: Sandbox, install: InstallSet) -> None:
    output = Capture(64 << 20)
    status = root.run(["/bin/sh", "-c", hostprovides.COLLECT], sink=output, user="root", cwd="/")
    if not status.ok:
        raise ChrootBroken("the base root's packages cannot be listed", reason=output.text[-500:])
    capabilities = hostprovides.provides(output.text, install.provides)
    spec = root.home / "host.spec"
    spec.write_text(hostprovides.spec(capabilities))
    script = (
        "set -e; mkdir -p /var/lib/rpm; "
        "rpmbuild -bb --quiet --define '_topdir /home/build/top' "
        "--define '_buildhost build' --define 'source_date_epoch 0' /home/build/host.spec; "
        f"rpm -i --justdb --nosignature --noplugins /home/build/top/RPMS/noarch/*.rpm; {_TIDY}"
    )
    _run(root, script, Capture(), [], lambda text: "")
    shutil.rmtree(root.home / "top", ignore_errors=True)


def _run(
    root: Sandbox,
    script: str,
    output: _Tee | Capture,
    binds: Sequence[Bind],
    explain: Callable[[str], str],
) -> None:
    # One uid only: fakeroot lets maintainer scripts believe that they could change owners.
    faked = ["env", "FAKEROOTDONTTRYCHOWN=1", "fakeroot", "--"]
    faked = faked if root.mode is Mode.ROOTLESS else []
    status = root.run(
        [*faked, "/bin/sh", "-c", script],
        sink=output,
        user="root",
        cwd="/",
        env=_ENVIRONMENT,
        binds=binds,
        timeout_s=_INSTALL_TIMEOUT_S,
    )
    if status.ok:
        return
    reason = explain(output.text)
    if reason and not status.ended_by:
        raise Unresolvable(reason)
    raise ChrootBroken(
        "packages could not be installed into the root",
        exit_code=status.code,
        ended_by=status.ended_by,
        reason=output.text[-1000:],
    )


class _Tee:
    """Passes output on and remembers its end."""

    _KEPT_BYTES = 256 << 10

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._end = bytearray()

    def write(self, data: bytes) -> bool:
        self._end += data
        del self._end[: -self._KEPT_BYTES]
        return self._sink.write(data)

    @property
    def text(self) -> str:
        return self._end.decode(errors="replace")


def _shown(files: Sequence[Path], name: str) -> tuple[list[Bind], list[str]]:
    """Binds that show files below home, and their paths inside."""
    inside = [f"{HOME}/{name}/{number}-{path.name}" for number, path in enumerate(files)]
    return [Bind(path, place) for path, place in zip(files, inside, strict=True)], inside


def _save(root: Sandbox, target: Path) -> None:
    """Copy what changed, with whiteouts and extended attributes."""
    result = subprocess.run(
        ["cp", "-a", "--", str(root.upper), str(target / "tree")],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise ChrootBroken("a layer could not be kept", reason=result.stderr[-500:])


def _lines(text: str, wanted: re.Pattern[str]) -> str:
    found = [line.strip() for line in text.splitlines() if wanted.search(line)]
    return "; ".join(dict.fromkeys(found))[:2000]


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
