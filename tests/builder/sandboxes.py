"""Run things in sandboxes from tests: each in a child process, as workers do."""

import fcntl
import os
import pickle
import shutil
import subprocess
import traceback
from dataclasses import dataclass
from pathlib import Path

from builder import slots
from builder.chroots.base import Capture, ExitStatus, InstallSet
from builder.chroots.bases import BaseSpec
from builder.chroots.bubblewrap import Bubblewrap
from builder.chroots.fixup import BUILD_UID_BASE
from builder.chroots.limits import Limits
from builder.chroots.modes import Mode
from builder.chroots.namespaces import die_with_parent, isolate

SMALL = Limits(
    wall_s=60, disk_bytes=256 << 20, inodes=100_000, processes=200, file_bytes=1 << 30, idle_s=0
)
ROOTLESS_UID = 54321


def in_child(work, *arguments, uid=None):
    """Call ``work`` in a forked child; its result, or its failure as AssertionError."""
    parent = os.getpid()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        answer = (False, "ended without an answer")
        try:
            die_with_parent(parent)
            if uid is not None:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            answer = (True, work(*arguments))
        except BaseException as error:
            answer = (False, (type(error), str(error), traceback.format_exc()))
        with os.fdopen(write, "wb") as stream:
            pickle.dump(answer, stream)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        data = stream.read()
    os.waitpid(pid, 0)
    good, value = pickle.loads(data) if data else (False, (RuntimeError, "killed", ""))
    if good:
        return value
    kind, message, trace = value
    try:
        error = kind(message)
    except TypeError:
        error = AssertionError(message)
    error.add_note(trace)
    raise error


@dataclass(frozen=True)
class Ran:
    """What a command in a root did."""

    status: ExitStatus
    output: str
    files: dict[str, bytes]


@dataclass(frozen=True)
class Place:
    """A chroot, where its roots are mounted, and checks that nothing stays."""

    chroot: Bubblewrap
    scratch: Path

    def run(self, script, limits=SMALL, install=None, copy=None, keep=(), after=None, **options):
        """Run a shell script as the build user of a fresh root.

        Args:
            copy: Directory to copy into the build's home first.
            keep: Names in home to bring back.
            after: Called with the root, still in the child, when the script ended.
        """
        return in_child(self._run, script, limits, install, copy, keep, after, options)

    def _run(self, script, limits, install, copy, keep, after, options):
        slot = slots.acquire(self.scratch)
        self.chroot.base()
        isolate(self.chroot.mode)
        sink = Capture(4 << 20)
        options = {"user": "build", "sink": sink, **options}
        with self.chroot.prepare(install or InstallSet(), limits, sink, slot=slot.number) as root:
            if copy:
                shutil.copytree(copy, root.home / "src")
                for path in [root.home / "src", *(root.home / "src").rglob("*")]:
                    root.give(path)
                    path.chmod(0o755)
            status = root.run(["/bin/sh", "-c", script], **options)
            if after:
                return after(root, status, sink)
            files = {
                str(path.relative_to(root.home)): path.read_bytes()
                for pattern in keep
                for path in root.home.glob(pattern)
                if path.is_file()
            }
        self.assert_nothing_is_left(slot.number)
        return Ran(status, sink.text, files)

    def assert_nothing_is_left(self, slot):
        """No process of the build user, no mount."""
        uid = BUILD_UID_BASE + slot
        assert processes_of(uid) == []
        mounts = Path("/proc/self/mountinfo").read_text()
        assert str(self.scratch / f"{os.getpid()}-") not in mounts
        assert list(self.scratch.glob(f"{os.getpid()}-*")) == []


def processes_of(uid):
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if entry.stat().st_uid == uid:
                    found.append((entry / "cmdline").read_bytes())
            except OSError:
                continue
    return found


@dataclass(frozen=True)
class Rootless:
    """A directory of an unprivileged uid and a packed base root in it."""

    directory: Path
    spec: BaseSpec

    @classmethod
    def make(cls, debian, cache):
        directory = Path("/var/tmp/packhouse-test-rootless")
        base = debian.base()
        tarball = directory / f"{base.id}.tar"
        directory.mkdir(exist_ok=True)
        os.chown(directory, ROOTLESS_UID, ROOTLESS_UID)
        with (directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not tarball.exists():
                making = tarball.with_suffix(".making")
                line = ["tar", "-c", "--exclude=./dev/*", "-f", str(making)]
                subprocess.run([*line, "-C", str(base.lowers[-1]), "."], check=True)
                making.chmod(0o644)
                making.rename(tarball)
        return cls(directory, BaseSpec("tarball", source=str(tarball)))

    def place(self):
        """To be called as the unprivileged uid."""
        chroot = Bubblewrap("rootless", self.spec, self.directory / "cache", Mode.ROOTLESS)
        return Place(chroot, self.directory / "cache" / "roots")
