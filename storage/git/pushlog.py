"""Who pushed: the reflog of main, in git's own format.

A pushed commit is the pusher's own object and says nothing the house could
trust about who brought it and when. That is noted here, before the ref moves,
so that a crash between ref and index loses nothing and the index can be rebuilt.
``git reflog main`` shows it; the repository's config keeps git from expiring it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from .durable import make_directory, space_errors, sync_directory, write_all
from .refs import MAIN

_LINE = re.compile(r"([0-9a-f]{40}) ([0-9a-f]{40}) (.*) <> ([0-9]+) \+0000\tpush")
_NONE = "0" * 40


@dataclass(frozen=True, slots=True)
class Push:
    """One push to main.

    Attributes:
        old: Tip before, None for the first push.
        new: Tip after.
        user: Login of the pusher.
        time: When it arrived, Unix seconds.
    """

    old: str | None
    new: str
    user: str
    time: int


class PushLog:
    """The pushes to one repository's main, oldest first."""

    def __init__(self, repository: Path) -> None:
        """Name the repository; nothing is read yet."""
        self._path = repository / "logs" / MAIN

    def append(self, push: Push) -> None:
        """Note a push, durably; the caller holds the flock.

        Raises:
            StorageFull: No space left.
        """
        make_directory(self._path.parent)
        line = f"{push.old or _NONE} {push.new} {push.user} <> {push.time} +0000\tpush\n"
        if self._is_torn():
            line = "\n" + line
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        with space_errors():
            descriptor = os.open(self._path, flags, 0o644)
            try:
                write_all(descriptor, (line.encode(),))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            sync_directory(self._path.parent)

    def _is_torn(self) -> bool:
        """Whether a writer died in the middle of the last line."""
        try:
            return not self._path.read_bytes().endswith(b"\n")
        except FileNotFoundError:
            return False

    def by_tip(self) -> dict[str, Push]:
        """Every noted push by the tip it brought."""
        try:
            text = self._path.read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return {}
        pushes = {}
        for line in text.splitlines():
            if (match := _LINE.fullmatch(line)) is not None:
                old = None if match[1] == _NONE else match[1]
                pushes[match[2]] = Push(old, match[2], match[3], int(match[4]))
        return pushes
