"""The source part of a build: make the source package, keep it, commit its content.

    pending -> starting -> running -> importing -> succeeded | failed

Called by a worker in a process made for it. Every change of state is a
compare-and-set on state and attempt, so a repeated or late call does nothing;
what was committed under the build's operation id is not committed twice.
"""

from __future__ import annotations

import gzip
import json
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from storage.errors import PackhouseError, UnknownBuild
from storage.git.child import Deadline
from storage.model import Build, SourceState

from ..chroots.base import Chroot, ChrootBroken, InstallSet, Unresolvable
from ..chroots.cache import remove_tree
from ..heartbeat import Heartbeat
from ..house import BuilderHouse
from ..logs import LogWriter
from ..run import limits_for, opened_root
from ..slots import acquire
from .batches import is_due
from .custom import CustomProducer
from .distgit import DistgitProducer
from .files import LinkProducer, UploadProducer
from .generators import GeneratorProducer
from .header import SourceHeader, read_header
from .importing import import_source
from .places import LOG_NAME, source_dir, upload_dir
from .scm import ScmProducer
from .task import DEFAULT_TIMEOUT_S, Producer, SourceFailed, Stopped, Task

_log = logging.getLogger(__name__)

PRODUCERS: Mapping[str, Callable[[Task], Producer]] = {
    "upload": UploadProducer,
    "link": LinkProducer,
    "scm": ScmProducer,
    "distgit": DistgitProducer,
    "custom": CustomProducer,
    "pypi": GeneratorProducer,
    "rubygems": GeneratorProducer,
}
"""Who makes the source package, by Copr's source type."""

_AT_WORK = (SourceState.STARTING, SourceState.RUNNING, SourceState.IMPORTING)
_DETAILS_BYTES = 4000


def run_source(
    house: BuilderHouse, build_id: int, attempt: int, stop: threading.Event | None = None
) -> None:
    """Do one attempt at the source part of a build.

    Args:
        house: The builder's house.
        build_id: Which build.
        attempt: Which attempt; nothing is done when it is not the current one.
        stop: Set from outside (shutdown) to give the source part back.
    """
    part = _SourcePart(house, build_id, attempt, stop or threading.Event())
    build = part.take()
    if build is None:
        _log.info("source part has moved on", extra={"build": build_id, "attempt": attempt})
        return
    part.run(build)


class _SourcePart:
    def __init__(
        self, house: BuilderHouse, build_id: int, attempt: int, stop: threading.Event
    ) -> None:
        self._house = house
        self._build_id = build_id
        self._attempt = attempt
        self._stop = stop
        self._fenced = False

    def take(self) -> Build | None:
        now = self._now()
        with self._house.records.begin() as unit:
            if not is_due(unit, self._build_id):
                return None
            taken = unit.builds.transition_source(
                self._build_id,
                (SourceState.PENDING,),
                SourceState.STARTING,
                if_attempt=self._attempt,
                source_started_at=now,
                source_beat_at=now,
            )
            return unit.builds.get(self._build_id) if taken else None

    def run(self, build: Build) -> None:
        directory = source_dir(self._house.settings.data_dir, build.id)
        directory.mkdir(parents=True, exist_ok=True)
        log = LogWriter(directory / LOG_NAME, limit_bytes=self._house.settings.log_limit_bytes)
        try:
            log.say(f"source part of build {build.id} ({build.source_type})")
            self._attempt_all(build, directory, log)
        except Stopped:
            log.say("stopped")
            self._give_back()
        except (SourceFailed, Unresolvable) as error:
            self._fail(log, error.message)
        except ChrootBroken as error:
            _log.error("root is broken", extra={"build": build.id, **error.facts})
            self._fail(log, f"the build root could not be set up: {error.message}")
        except PackhouseError as error:
            self._fail(log, error.message)
        except Exception:
            _log.exception("source part failed", extra={"build": build.id})
            self._fail(log, "internal error")
        finally:
            log.close()
            if self._is_mine():
                _finish_log(directory)

    def _attempt_all(self, build: Build, directory: Path, log: LogWriter) -> None:
        if self._attempt > self._house.settings.lost_limit:
            raise SourceFailed(f"the worker was lost {self._attempt} times")
        scratch = self._house.storage.tmp
        for left in scratch.glob(f"source-{build.id}-*"):
            remove_tree(left)
        work = Path(tempfile.mkdtemp(prefix=f"source-{build.id}-", dir=scratch))
        try:
            timeout_s = build.options.get("timeout") or DEFAULT_TIMEOUT_S
            task = Task(self._house, build, work, log, self._stop, Deadline(float(timeout_s)))
            srpm = self._produce(task)
            header = self._keep(task, srpm, directory)
            with self._beating():
                import_source(self._house, build, directory / srpm.name)
            self._succeed(build, header, log)
        finally:
            remove_tree(work)

    def _produce(self, task: Task) -> Path:
        make = PRODUCERS.get(task.build.source_type)
        if make is None:
            raise SourceFailed(f"source type '{task.build.source_type}' is not known here")
        producer = make(task)
        self._move(SourceState.RUNNING)
        with self._beating():
            srpm = producer.gather()
        return srpm if srpm is not None else self._make(task, producer)

    def _make(self, task: Task, producer: Producer) -> Path:
        chroot = self._chroot(task.build)
        slot = acquire(self._house.settings.data_dir)
        try:
            with self._beating():
                base = chroot.base()
            # A base without a distribution behind it has what it has.
            debs = tuple(producer.packages) if base.sources.strip() else ()
            limits = limits_for(self._house, task.deadline.left_s)
            with (
                opened_root(
                    chroot, InstallSet(debs=debs), limits, task.log, slot=slot.number
                ) as root,
                self._beating(),
            ):
                return producer.make(root)
        finally:
            slot.release()

    def _keep(self, task: Task, srpm: Path, directory: Path) -> SourceHeader:
        """Put the package where it is served, and say what it is before it is imported."""
        with srpm.open("rb") as stream:
            header = read_header(stream)
        kept = directory / srpm.name
        partial = directory / f".{srpm.name}.part"
        shutil.copyfile(srpm, partial)
        partial.chmod(0o644)
        os.replace(partial, kept)
        facts = {
            "name": header.name,
            "epoch": header.epoch,
            "version": header.version,
            "release": header.release,
            "exclusivearch": list(header.exclusive_arch),
            "excludearch": list(header.exclude_arch),
        }
        (directory / "results.json").write_text(json.dumps(facts, indent=4) + "\n")
        options = {**task.build.options, "srpm": srpm.name}
        self._move(SourceState.IMPORTING, source_version=header.evr, options=options)
        return header

    def _move(self, state: SourceState, **fields: object) -> None:
        with self._house.records.begin() as unit:
            moved = unit.builds.transition_source(
                self._build_id, _AT_WORK, state, if_attempt=self._attempt, **fields
            )
        if not moved:
            self._fenced = True
            raise Stopped("the source part belongs to somebody else now")

    def _succeed(self, build: Build, header: SourceHeader, log: LogWriter) -> None:
        log.say(f"{header.filename} was imported into package {header.name}")
        directory = source_dir(self._house.settings.data_dir, build.id)
        (directory / "success").write_text("done\n")
        with self._house.records.begin() as unit:
            unit.builds.transition_source(
                self._build_id,
                _AT_WORK,
                SourceState.SUCCEEDED,
                if_attempt=self._attempt,
                source_ended_at=self._now(),
            )
        self._forget_upload()

    def _fail(self, log: LogWriter, reason: str) -> None:
        log.say(f"failed: {reason}")
        with self._house.records.begin() as unit:
            unit.builds.transition_source(
                self._build_id,
                _AT_WORK,
                SourceState.FAILED,
                if_attempt=self._attempt,
                source_details=" ".join(reason.split())[:_DETAILS_BYTES],
                source_ended_at=self._now(),
            )
        self._forget_upload()

    def _forget_upload(self) -> None:
        """The source part is over: what was uploaded for it is not needed any more."""
        remove_tree(upload_dir(self._house.settings.data_dir, self._build_id))
        self._house.queue.wake()

    def _give_back(self) -> None:
        """The worker ends: another attempt is made elsewhere, unless the build was canceled."""
        if self._fenced:
            return
        attempt = self._attempt + 1
        with self._house.records.begin() as unit:
            moved = unit.builds.transition_source(
                self._build_id,
                _AT_WORK,
                SourceState.PENDING,
                if_attempt=self._attempt,
                source_attempt=attempt,
                source_beat_at=None,
            )
        if moved:
            self._house.queue.enqueue_source(self._build_id, attempt)

    def _is_mine(self) -> bool:
        """Whether nobody else writes the log by now."""
        try:
            with self._house.records.read() as unit:
                return unit.builds.get(self._build_id).source_attempt == self._attempt
        except UnknownBuild:
            return False

    def _chroot(self, build: Build) -> Chroot:
        """The environment a script asks for, else the first one of the house."""
        chroots = self._house.chroots
        wanted = str(build.source_dict.get("chroot") or "")
        if wanted in chroots:
            return chroots[wanted]
        if wanted and build.source_type == "custom":
            raise SourceFailed(f"there is no chroot '{wanted}'")
        if not chroots:
            raise ChrootBroken("no build environment is configured here")
        return next(iter(chroots.values()))

    @contextmanager
    def _beating(self) -> Iterator[None]:
        def beat() -> bool:
            with self._house.records.begin() as unit:
                return unit.builds.beat_source(self._build_id, self._attempt, self._now())

        heart = Heartbeat(beat, self._house.settings.heartbeat_s, self._stop)
        try:
            with heart:
                yield
        finally:
            self._fenced = self._fenced or heart.fenced

    def _now(self) -> int:
        return int(self._house.clock())


def _finish_log(directory: Path) -> None:
    """Compress the finished log; its plain form goes away afterwards."""
    plain = directory / LOG_NAME
    packed = directory / f"{LOG_NAME}.gz"
    with plain.open("rb") as source, gzip.open(packed, "wb") as target:
        shutil.copyfileobj(source, target)
    plain.unlink()
