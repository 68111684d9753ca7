"""The upload area: one uncommitted tree per package, shared by all users.

It is a commit under ``refs/packhouse/upload`` whose parent is the tip of main it
started from. The area is open while that is still the tip: any new revision,
whoever makes it, closes the area without having to know about it.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import UnknownFile
from ..model import Author, CommitResult, Listing, Package
from .commits import Commit, Trailers, build_commit, compose_message, read_commit
from .context import Context
from .intake import keep
from .refs import MAIN, UPLOAD
from .repository import Repository
from .staging import StagedFile
from .transaction import Transaction
from .trees import FlatTree

AUTOCOMMIT_COMMENT = "autocommit update revision"


def open_area(repository: Repository) -> Commit | None:
    """The open upload area, or None."""
    upload = repository.refs.read(UPLOAD)
    if upload is None:
        return None
    commit = read_commit(repository.objects, upload)
    tip = repository.refs.read(MAIN)
    return commit if commit.parents == (() if tip is None else (tip,)) else None


def upload_file(
    context: Context, package: Package, name: str, staged: StagedFile, author: Author
) -> Listing:
    """Set one file in the upload area, opening it if need be.

    Returns:
        The listing of the area.
    """
    kept = keep(context, context.repository(package), name, staged)
    with Transaction(context, package) as change:
        kept.tell(change)
        return _change_area(change, author, lambda tree: tree.with_files({kept.name: kept.blob}))


def upload_delete(context: Context, package: Package, name: str, author: Author) -> Listing:
    """Remove one file from the upload area, opening it if need be.

    Raises:
        UnknownFile: There is no such file in it.
    """
    with Transaction(context, package) as change:
        return _change_area(change, author, lambda tree: without_file(tree, name))


def commit_upload(
    context: Context, package: Package, author: Author, comment: str, operation: str | None = None
) -> CommitResult:
    """Make the upload area a revision; without one, a new revision of the latest tree."""
    with Transaction(context, package) as change:
        if (done := change.repeated(operation)) is not None:
            return done
        area = open_area(change.repository)
        tree_id = change.add_tree(change.tree()) if area is None else area.tree
        change.add_revision("source", tree_id, author, comment, operation=operation)
        return change.finish()[-1]


def drop_upload(context: Context, package: Package) -> None:
    """Forget the upload area; harmless when there is none."""
    with Transaction(context, package) as change:
        change.move_ref(UPLOAD, change.repository.refs.read(UPLOAD), None)
        change.finish()


def autocommit(change: Transaction, author: Author) -> None:
    """Save an open upload area as a revision of its own, within a transaction."""
    area = open_area(change.repository)
    if area is not None:
        change.add_revision("source", area.tree, author, AUTOCOMMIT_COMMENT)


def working_tree(change: Transaction) -> FlatTree:
    """What a write without ``rev`` starts from: the upload area if open, else the latest tree."""
    area = open_area(change.repository)
    return change.tree() if area is None else change.parsed(area.tree)


def without_file(tree: FlatTree, name: str) -> FlatTree:
    """A tree less one file.

    Raises:
        UnknownFile: The file is not in it.
    """
    if name not in tree.files():
        raise UnknownFile(f"file '{name}' does not exist", file=name)
    return tree.without(name)


def _change_area(
    change: Transaction, author: Author, edit: Callable[[FlatTree], FlatTree]
) -> Listing:
    refs = change.repository.refs
    tree_id = change.add_tree(edit(working_tree(change)))
    now = change.context.now()
    message = compose_message("upload area", Trailers(author.login))
    parents = [tip for tip in (change.tip(),) if tip is not None]
    commit = change.writer.add("commit", build_commit(tree_id, parents, author, message, now))
    change.move_ref(UPLOAD, refs.read(UPLOAD), commit)
    listing = change.facts.listing(tree_id, change.parsed(tree_id), now)
    change.finish(lambda unit: unit.listings.remember(change.package.id, listing))
    return listing
