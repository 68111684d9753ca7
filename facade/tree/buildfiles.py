"""The files of one build in one chroot, as Copr's result directories show them."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Request, Response

from builder.artifacts import result_path
from builder.logs import log_path
from builder.publishers import PackageCache
from builder.publishers.places import is_source
from storage.errors import PackhouseError
from storage.model import Binary, Build, Entry, Job, JobState, SigningKey
from storage.names import RevisionSpec

from .serving import Line, content_type, send_path, send_text

if TYPE_CHECKING:
    from storage.house import PackageStore

    from ..wiring import House

_LOG = "builder-live.log"
_FACTS = "backend.log"
_SPEC_LIMIT_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A file on disk, or one that is made when it is asked for.

    Attributes:
        path: Where it lies; None if ``make`` makes it.
        make: Gives the content or, after some work, where it lies.
    """

    name: str
    path: Path | None = None
    make: Callable[[], bytes | Path] | None = None

    def line(self) -> Line:
        """Its line in the directory."""
        try:
            facts = self.path.stat() if self.path else None
        except FileNotFoundError:
            facts = None
        if facts is None:
            return Line(self.name)
        return Line(self.name, False, facts.st_size, facts.st_mtime)

    def send(self, request: Request) -> Response:
        """The file as an answer."""
        made = self.make() if self.make else self.path
        if isinstance(made, bytes):
            return send_text(made, content_type(self.name))
        assert made is not None
        return send_path(request, made, name=self.name)


def of_job(
    house: House, build: Build, job: Job, binaries: Sequence[Binary], sources_open: bool
) -> list[ResultFile]:
    """Everything a job shows; binaries, then what describes them."""
    shown = [b for b in binaries if sources_open or not is_source(b.filename)]
    key = house.keyring.nearest(job.project)
    files = [ResultFile(b.filename, _signed_or_result(house, job, b, key)) for b in shown]
    log = log_path(house.builder.settings, job)
    if job.state.is_final:
        files += [
            ResultFile(f"{_LOG}.gz", make=lambda: _packed(log)),
            ResultFile(f"{_FACTS}.gz", make=lambda: gzip.compress(_facts(job), mtime=0)),
            ResultFile("results.json", make=lambda: _results(shown)),
        ]
    else:
        files += [ResultFile(_LOG, log), ResultFile(_FACTS, make=lambda: _facts(job))]
    if job.state is JobState.SUCCEEDED:
        files.append(ResultFile("success", make=lambda: b""))
    spec = _spec(house, build) if sources_open else None
    return [*files, spec] if spec else files


def _signed_or_result(house: House, job: Job, binary: Binary, key: SigningKey | None) -> Path:
    """The signed copy of a package, if it was ever published, else what the build made."""
    result = result_path(house.builder.settings, job, binary.filename)
    if key is None or not binary.filename.endswith(".rpm"):
        return result
    cache = PackageCache(house.settings.data_dir / "published")
    entry = cache.find(key.fingerprint, binary.sha256)
    return entry / "package.rpm" if entry else result


def _packed(log: Path) -> Path | bytes:
    """The log as gzip, made once and kept beside it; a finished log does not change."""
    packed = log.with_name(f"{log.name}.gz")
    try:
        if packed.stat().st_mtime >= log.stat().st_mtime:
            return packed
    except FileNotFoundError:
        pass
    try:
        with (
            log.open("rb") as source,
            tempfile.NamedTemporaryFile(dir=log.parent, prefix=".packing-", delete=False) as target,
        ):
            try:
                with gzip.GzipFile("", "wb", 6, target, mtime=0) as stream:
                    shutil.copyfileobj(source, stream, 1 << 20)
                os.chmod(target.name, 0o644)
                os.replace(target.name, packed)
            except BaseException:
                os.unlink(target.name)
                raise
    except FileNotFoundError:
        return gzip.compress(b"", mtime=0)
    return packed


def _facts(job: Job) -> bytes:
    """What the scheduler knows of the job, in place of Copr's backend log."""
    lines = [
        f"job {job.id}: {job.project}/{job.package} {job.repository} {job.arch}",
        f"state {job.state}, attempt {job.attempt}, worker {job.worker or '-'}",
        f"created {job.created_at}, started {job.started_at}, ended {job.ended_at}",
        *([job.details] if job.details else []),
    ]
    return ("\n".join(lines) + "\n").encode()


def _results(binaries: Sequence[Binary]) -> bytes:
    """Copr's ``results.json``: the packages that were made."""
    packages = [
        {
            "name": binary.header["name"],
            "epoch": int(binary.header.get("epoch") or 0),
            "version": binary.header.get("version", ""),
            "release": binary.header.get("release", ""),
            "arch": binary.header.get("arch", ""),
        }
        for binary in binaries
        if binary.header.get("name")
    ]
    return json.dumps({"packages": packages}, indent=2).encode()


def _spec(house: House, build: Build) -> ResultFile | None:
    """The spec file the build was made from; None when it had none."""
    if not build.package or not build.commit:
        return None
    try:
        package = house.storage.package(build.project, build.package)
        _, listing = package.listing(RevisionSpec("commit", checksum=build.commit))
    except PackhouseError:
        return None
    for entry in listing.entries:
        if entry.name.endswith(".spec") and entry.size <= _SPEC_LIMIT_BYTES:
            return ResultFile(entry.name, make=partial(_content, package, entry))
    return None


def _content(package: PackageStore, entry: Entry) -> bytes:
    return b"".join(package.open(entry).chunks())
