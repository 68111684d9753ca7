"""The commits of a push that would become revisions of main, held to the rules."""

from __future__ import annotations

from ..errors import Busy, InvalidContent
from ..limits import StorageLimits
from ..model import Package
from ..names import PROJECT_CONTAINER
from .child import Deadline
from .commits import Commit, parse_commit
from .examined import Examined
from .largefiles import Pointer
from .parsing import commit_links
from .reach import Reachable
from .rows import Row, Rows, TreeRows, entry_of
from .rules import LargeCheck, check_content, check_count, check_entry, is_generated
from .survey import Survey
from .trees import ATTRIBUTES

_TAKEN = frozenset({"_meta", "_history", "_attribute"})
_OF_PROJECTS = frozenset({"_config", ATTRIBUTES})


class NotFastForward(InvalidContent):
    """The new tip of main does not continue the old one."""


class MainLine:
    """Checks new commits on main's line of first parents, oldest first.

    A row that was good in one tree is good in the next.
    """

    def __init__(
        self,
        survey: Survey,
        rows: TreeRows,
        large: LargeCheck,
        limits: StorageLimits,
        package: Package,
        deadline: Deadline,
    ) -> None:
        """Gather what the rules need; see ``PushCheck``."""
        self._survey = survey
        self._rows = rows
        self._large = large
        self._limits = limits
        self._package = package
        self._deadline = deadline

    def check(self, old: str | None, new: str) -> Examined:
        """Check every commit that becomes a revision when main moves.

        Raises:
            InvalidContent: A rule is broken.
            NotFastForward: main would lose a revision.
            Busy: Checking took too long.
        """
        commits = self._new_commits(old, new)
        old_rows = () if old is None else self._rows.read(self._commit(old).tree)
        good: set[Row] = set()
        blobs, names = {row[2] for row in old_rows}, {row[1] for row in old_rows}
        pointers: set[Pointer] = set()
        trees: dict[str, Rows] = {}
        files = 0
        for commit in reversed(commits):
            self._check_time()
            rows = trees[commit.tree] = self._rows.read(commit.tree)
            files += len(rows)
            try:
                check_count(len(rows), self._limits)
                fresh = set(rows) - good
                for row in [row for row in rows if row in fresh]:
                    self._check_row(row, blobs, names, pointers)
            except InvalidContent as error:
                raise InvalidContent(
                    f"commit {commit.oid[:12]}: {error.message}", hint=error.hint
                ) from None
            good |= fresh
            if files > self._limits.push_files:
                raise InvalidContent(
                    f"more than {self._limits.push_files} files over all commits of one push",
                    hint="push the history in several steps",
                )
        facts = self._survey.facts
        return Examined(
            self._package.id, old, new, tuple(commits), trees, facts, frozenset(pointers)
        )

    def _check_row(
        self, row: Row, blobs: set[bytes], names: set[bytes], pointers: set[Pointer]
    ) -> None:
        """Check one file that no tree before had; blobs and names of the old tip are known."""
        entry = entry_of(row)
        check_entry(entry)
        if row[2] not in blobs:
            size, pointer = self._survey.content(entry.oid)
            shown = entry.name.decode(errors="replace")
            check_content(shown, size, pointer, self._large, self._limits)
            if pointer is not None:
                pointers.add(pointer)
            blobs.add(row[2])
        if entry.name not in names:
            self._check_name(entry.name.decode())
            names.add(entry.name)

    def _new_commits(self, old: str | None, new: str) -> list[Commit]:
        """New commits on the line of first parents, newest first."""
        line: list[Commit] = []
        at: str | None = new
        while at is not None and at != old:
            self._check_time()
            line.append(self._commit(at))
            if len(line) > self._limits.push_commits:
                raise InvalidContent(
                    f"more than {self._limits.push_commits} commits in one push",
                    hint="push the history in several steps",
                )
            at = line[-1].parents[0] if line[-1].parents else None
        if old is not None and at is None:
            raise self._not_a_continuation(old, new)
        return line

    def _commit(self, oid: str) -> Commit:
        data = self._survey.get(oid, "commit")
        commit = parse_commit(oid, data)
        if (commit.tree, commit.parents) != commit_links(data):
            raise InvalidContent("malformed commit")
        return commit

    def _not_a_continuation(self, old: str, new: str) -> NotFastForward:
        """Tell a rewritten history from a merge made the wrong way round."""
        if Reachable(self._survey.objects, [new], self._deadline).has(old, "commit"):
            return NotFastForward(
                "non-fast-forward by first parents",
                hint="revisions follow first parents, and main is the second parent of this "
                "merge: use 'git pull --rebase'",
            )
        return NotFastForward(
            "non-fast-forward",
            hint="revisions of main cannot be rewritten: use 'git pull --rebase'",
        )

    def _check_name(self, name: str) -> None:
        """A file whose name is an address of something else could never be fetched by osc."""
        is_taken = name in _TAKEN or is_generated(name)
        of_project = self._package.name == PROJECT_CONTAINER
        if is_taken or (of_project and name not in _OF_PROJECTS):
            raise InvalidContent(f"'{name}' is a name that cannot be pushed here")

    def _check_time(self) -> None:
        if self._deadline.is_over:
            raise Busy("checking the pushed objects takes too long", hint="push in several steps")
