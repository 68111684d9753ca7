"""Steps inside a root that all producers share."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..artifacts import BadResults, Place, collect
from ..chroots.base import HOME, Root
from ..chroots.cache import remove_tree
from ..materials import give_all, put_file
from .task import SourceFailed, Stopped, Task

OUT = "srpm"
"""Directory of results, relative to the build's home."""

_PLACE = Place(OUT, re.compile(r".*\.src\.rpm"))
_ENDINGS = {
    "timeout": "it took too long",
    "idle": "it printed nothing for too long",
    "log": "its output is too large",
    "memory": "it ran out of memory",
}


def bring(root: Root, source: Path, name: str) -> Path:
    """Copy a tree of ours into the build's home and hand it over.

    Links are copied as links: whatever they point at is looked up inside only.
    """
    # A script may have run in this home: what it left under our names must not be followed.
    target = root.home / name
    for path in (target, root.home / OUT):
        remove_tree(path)
    shutil.copytree(source, target, symlinks=True)
    (root.home / OUT).mkdir()
    give_all(root, root.home)
    return target


def write_macros(root: Root, task: Task) -> None:
    """Write the macros that Copr promises to source packages."""
    owner, _, name = task.build.project.removeprefix("home:").partition(":")
    macros = {
        "_topdir": f"{HOME}/rpmbuild",
        "_srcrpmdir": f"{HOME}/{OUT}",
        "copr_username": owner,
        "copr_projectname": name or owner,
        "vendor": f"packhouse - {task.build.project}",
        "buildtag": f".copr{task.build.id}",
        "dist": "%nil",
        "_disable_source_fetch": "1",
    }
    lines = [f"%{key} {value}\n" for key, value in macros.items()]
    put_file(root.home, ".rpmmacros", "".join(lines).encode())


def run(
    root: Root,
    task: Task,
    argv: Sequence[str],
    *,
    cwd: str = HOME,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command as the build user, without network.

    Raises:
        Stopped: The work is not wanted any more.
        SourceFailed: It ended badly.
    """
    task.check()
    task.log.say("$ " + " ".join(argv))
    status = root.run(
        argv,
        sink=task.log,
        cwd=cwd,
        env=env,
        timeout_s=task.deadline.left_s,
        stop=task.stop,
    )
    if status.ended_by == "stopped":
        raise Stopped("the source part was stopped")
    if not status.ok:
        how = _ENDINGS.get(status.ended_by) or f"it ended with exit status {status.code}"
        raise SourceFailed(f"{os.path.basename(argv[0])}: {how}")


def require(root: Root, task: Task, program: str) -> None:
    """See that a program is there.

    Raises:
        SourceFailed: It is not.
    """
    script = f"command -v {program} >/dev/null"
    status = root.run(["/bin/sh", "-c", script], sink=task.log, stop=task.stop)
    if not status.ok:
        raise SourceFailed(f"Please, install {program}")


def build_source_package(root: Root, task: Task, directory: str, spec: str) -> Path:
    """``rpmbuild -bs`` with every RPM directory being the spec's.

    Args:
        root: An open root that holds the sources.
        task: The source part.
        directory: Of spec and sources, relative to the build's home.
        spec: File name of the spec.
    """
    require(root, task, "rpmbuild")
    write_macros(root, task)
    here = f"{HOME}/{directory}"
    line = ["rpmbuild", "-bs", "--nodeps"]
    for name in ("_sourcedir", "_specdir"):
        line += ["--define", f"{name} {here}"]
    give_all(root, root.home)
    run(root, task, [*line, "--", f"{here}/{spec}"])
    return take(root, task)


def take(root: Root, task: Task) -> Path:
    """The one source package that was made, copied out of the root.

    Raises:
        SourceFailed: There is none, or more than one.
    """
    limit = task.house.storage.limits.file_bytes
    try:
        rows = collect(root.home, [_PLACE], task.work / "made", max_files=2, max_bytes=limit)
    except BadResults as error:
        raise SourceFailed(error.message) from None
    if len(rows) != 1:
        what = "no source package" if not rows else "more than one source package"
        raise SourceFailed(f"the build made {what}")
    return task.work / "made" / rows[0].filename
