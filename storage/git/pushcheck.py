"""Whether pushed objects hang together and are fit to be kept.

A new tip must lead, object by object, only to things that were pushed or that
the repository's visible refs already lead to; each must be well formed and of
the kind its referrer says. This is stricter than git, which is content when an
object merely exists in the store: pools and refused pushes would leak.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..errors import Busy, InvalidContent, PackhouseError
from ..limits import StorageLimits
from ..model import Package
from .child import Deadline
from .examined import Examined
from .mainline import MainLine
from .packscan import PackLimits
from .parsing import GITLINK_MODE, check_safe_name, commit_links, tag_target
from .reach import Reachable
from .refs import MAIN
from .rows import Row, TreeRows, entry_of
from .rules import LargeCheck
from .survey import Survey
from .trees import DIRECTORY_MODE

_COMMIT_BYTES = 1 << 20
_TREE_BYTES = 16 << 20
_MOST_BYTES = {"commit": _COMMIT_BYTES, "tag": _COMMIT_BYTES, "tree": _TREE_BYTES}


class PushCheck:
    """Checks the tips of one push; what was found good is not looked at twice.

    Attributes:
        examined: What is known of main's new commits, once they passed.
    """

    def __init__(
        self,
        survey: Survey,
        refs: Mapping[str, str],
        large: LargeCheck,
        storage_limits: StorageLimits,
        pack_limits: PackLimits,
        package: Package,
    ) -> None:
        """Gather what the rules need.

        Args:
            survey: What came with the push, and the objects it is added to.
            refs: The public refs as they are.
            large: Which large files the package may point at.
            storage_limits: How many files and how big.
            pack_limits: How long checking may take.
            package: Where it goes; ``_project`` takes its configuration only.
        """
        self.examined: Examined | None = None
        self._survey = survey
        self._refs = refs
        self._large = large
        self._deadline = Deadline(pack_limits.time_s)
        self._existing = Reachable(survey.objects, refs.values(), self._deadline)
        self._good: set[tuple[str, str]] = set()
        self._good_rows: set[Row] = set()
        self._rows = TreeRows(self._survey.get, storage_limits.push_files)
        self._main = MainLine(
            self._survey, self._rows, large, storage_limits, package, self._deadline
        )
        self._pointers_checked = False

    def check(self, ref: str, new: str) -> None:
        """Check everything a ref's new value leads to.

        Raises:
            InvalidContent: A rule is broken.
            NotFastForward: main would lose a revision.
            Busy: Checking took too long.
        """
        try:
            self._closure(new, "commit" if ref.startswith("refs/heads/") else "")
        except PackhouseError:
            # Another ref may lead to the same bad object: nothing is known to be good now.
            self._good.clear()
            self._good_rows.clear()
            raise
        self._pointers()
        if ref == MAIN:
            self.examined = self._main.check(self._refs.get(MAIN), new)

    def _closure(self, tip: str, kind: str) -> None:
        todo = [(tip, kind)]
        while todo:
            if self._deadline.is_over:
                raise Busy("checking the pushed objects takes too long", hint="push in steps")
            wanted = todo.pop()
            if wanted in self._good:
                continue
            self._good.add(wanted)
            todo.extend(self._links(*wanted))

    def _links(self, oid: str, kind: str) -> Iterable[tuple[str, str]]:
        """What an object refers to, with the kinds it says they have."""
        fact = self._survey.find(oid)
        if fact is None:
            known = self._existing.has(oid, kind) if kind else self._existing.kind(oid)
            if not known:
                raise InvalidContent(
                    f"{kind or 'object'} {oid} was not sent and is not in the repository",
                    hint="a shallow or partial clone can only push on top of what is here",
                )
            return ()
        if kind and fact.kind != kind:
            raise InvalidContent(f"object {oid} is a {fact.kind}, not a {kind}")
        if fact.size > _MOST_BYTES.get(fact.kind, fact.size):
            raise InvalidContent(f"{fact.kind} {oid} has {fact.size} bytes, which is too many")
        if fact.kind == "commit":
            links = commit_links(self._survey.get(oid, "commit"))
            return [(links.tree, "tree"), *((parent, "commit") for parent in links.parents)]
        if fact.kind == "tree":
            return self._tree_links(oid)
        if fact.kind == "tag":
            return [tag_target(self._survey.get(oid, "tag"))]
        return ()

    def _tree_links(self, oid: str) -> Iterator[tuple[str, str]]:
        """Links of those rows that no tree before had."""
        fresh = set(self._rows.read(oid)) - self._good_rows
        self._good_rows |= fresh
        for entry in map(entry_of, fresh):
            check_safe_name(entry.name)
            if entry.mode == DIRECTORY_MODE:
                yield entry.oid, "tree"
            elif entry.mode != GITLINK_MODE:
                yield entry.oid, "blob"

    def _pointers(self) -> None:
        """No pushed pointer, on whatever branch, may promise content nobody uploaded."""
        if self._pointers_checked:
            return
        for pointer in self._survey.pointers.values():
            if self._large(pointer.sha256) != pointer.size:
                raise InvalidContent(
                    f"the content of large file {pointer.sha256[:12]} was not uploaded",
                    hint="run 'git lfs install', then 'git lfs push --all origin' and push again",
                )
        self._pointers_checked = True
