"""A push, after its objects passed the quarantine: the same transaction as any other write.

main is the history of revisions. It moves forward only, along first parents, by
trees that pass the rules; every commit on that line becomes a revision. Other
branches and tags are plain refs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..errors import Conflict, InvalidContent, NotAllowed, PackhouseError, StaleTip
from ..model import Author, CommitResult, Package
from .commits import Commit
from .context import Context
from .examined import Examined
from .healing import new_commits
from .pushlog import Push
from .refs import MAIN, check_ref_name
from .revisions import pendings_of
from .rules import check_tree
from .transaction import RefMove, Transaction

_PUSHABLE = ("refs/heads/", "refs/tags/")


@dataclass(frozen=True, slots=True)
class RefResult:
    """What became of one ref of a push; ``error`` is None when it moved."""

    move: RefMove
    error: PackhouseError | None = None


@dataclass(frozen=True, slots=True)
class PushResult:
    """What became of a push.

    Attributes:
        refs: One result per asked-for move, in order.
        revisions: The new revisions of main, oldest first.
    """

    refs: tuple[RefResult, ...]
    revisions: tuple[CommitResult, ...] = ()


def apply_push(
    context: Context,
    package: Package,
    moves: Sequence[RefMove],
    install: Callable[[], None],
    author: Author,
    *,
    atomic: bool = False,
    examined: Examined | None = None,
) -> PushResult:
    """Take over a push.

    Args:
        context: The storage.
        package: Where it goes.
        moves: What the client asks for.
        install: Moves the checked objects into the repository, durably; called
            under the lock, once, and only if some ref can still move.
        author: Who pushes.
        atomic: Whether one refused ref refuses them all.
        examined: What the check in quarantine found out about main, if it was made.

    Raises:
        Busy: The repository's lock was not had in time.
        UnknownPackage: The package was deleted meanwhile.
    """
    with Transaction(context, package) as change:
        counts = Counter(move.ref for move in moves)
        results = [_checked_before(change, move, counts) for move in moves]
        if _may_go_on(results, atomic):
            install()
            commits = [
                commit
                for index in range(len(results))
                for commit in _checked_after(change, results, index, examined)
            ]
            if _may_go_on(results, atomic):
                return _moved(change, results, commits, author, examined)
        return PushResult(tuple(_all_refused(results) if atomic else results))


def _may_go_on(results: Sequence[RefResult], atomic: bool) -> bool:
    good = [result.error is None for result in results]
    return all(good) if atomic else any(good)


def _all_refused(results: Sequence[RefResult]) -> list[RefResult]:
    refusal = Conflict("another ref of this atomic push was refused")
    return [result if result.error else replace(result, error=refusal) for result in results]


def _checked_before(change: Transaction, move: RefMove, counts: Mapping[str, int]) -> RefResult:
    try:
        check_ref_name(move.ref)
        if counts[move.ref] > 1:
            raise InvalidContent(f"{move.ref} is named twice", ref=move.ref)
        if not move.ref.startswith(_PUSHABLE):
            raise NotAllowed(f"{move.ref} belongs to the house", ref=move.ref)
        if move.ref == MAIN and move.new is None:
            raise NotAllowed("main cannot be deleted; delete the package instead", ref=MAIN)
        present = change.repository.refs.read(move.ref)
        if present != move.old:
            raise StaleTip(f"{move.ref} was moved by somebody else", ref=move.ref)
    except PackhouseError as error:
        return RefResult(move, error)
    return RefResult(move)


def _checked_after(
    change: Transaction, results: list[RefResult], index: int, examined: Examined | None
) -> list[Commit]:
    """Look at what one move brings; a refusal replaces its result.

    Returns:
        New commits of main, newest first.
    """
    move, error = results[index].move, results[index].error
    if error is not None or move.new is None:
        return []
    try:
        found = change.repository.objects.find(move.new)
        if found is None:
            raise InvalidContent(f"{move.ref}: object {move.new} was not sent")
        if move.ref.startswith("refs/heads/") and found.kind != "commit":
            raise InvalidContent(f"{move.ref}: object {move.new} is a {found.kind}, not a commit")
        return _new_of_main(change, move, examined) if move.ref == MAIN else []
    except PackhouseError as refusal:
        results[index] = RefResult(move, refusal)
        return []


def _new_of_main(change: Transaction, move: RefMove, examined: Examined | None) -> list[Commit]:
    """The commits a move of main adds, each checked, here or in quarantine.

    Raises:
        Conflict: It is not a fast-forward along first parents.
        InvalidContent: A tree breaks the rules.
    """
    if examined is not None and examined.covers(change.package, move.old, move.new):
        if all(change.large_size(p.sha256) == p.size for p in examined.pointers):
            return list(examined.commits)
    limits = change.context.limits
    commits = _walk(change, move, change.package.base)
    if len(commits) > limits.push_commits:
        raise _too_much(f"more than {limits.push_commits} commits in one push")
    checked = {entry.blob for entry in change.latest_listing().entries}
    files = 0
    for commit in reversed(commits):
        files += check_tree(
            change.repository.objects, commit.tree, change.large_size, limits, checked
        )
        if files > limits.push_files:
            raise _too_much(f"more than {limits.push_files} files over all commits of one push")
    return commits


def _too_much(message: str) -> InvalidContent:
    return InvalidContent(message, hint="push the history in several steps")


def _walk(change: Transaction, move: RefMove, base: str | None) -> list[Commit]:
    assert move.new is not None
    found = []
    try:
        for commit in new_commits(change.repository, move.new, move.old, base):
            found.append(commit)
            if len(found) > change.context.limits.push_commits:
                break
    except PackhouseError as error:
        raise Conflict(
            "the new main does not continue the present one along first parents",
            hint="run git pull --rebase, then push again",
            ref=MAIN,
        ) from error
    return found


def _moved(
    change: Transaction,
    results: list[RefResult],
    commits: Sequence[Commit],
    author: Author,
    examined: Examined | None,
) -> PushResult:
    accepted = [result.move for result in results if result.error is None]
    if commits:
        now = change.context.now()
        push = Push(change.tip(), commits[0].oid, author.login, now)
        change.repository.pushes.append(push)
        log = change.repository.pushes.by_tip()
        limit = change.context.limits.comment_bytes
        change.add_commits(pendings_of("source", commits, log, limit), examined)
    for move in accepted:
        if move.ref != MAIN:
            change.move_ref(move.ref, move.old, move.new)
    return PushResult(tuple(results), tuple(change.finish()))
