"""Writing and deleting single files, storing content for later, importing whole trees."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..model import Author, CommitResult, Package
from .context import Context
from .intake import keep, keep_with
from .staging import StagedFile
from .transaction import Transaction
from .trees import FlatTree
from .uploads import without_file, working_tree

Edit = Callable[[FlatTree], FlatTree]


def put_file(
    context: Context,
    package: Package,
    name: str,
    staged: StagedFile,
    author: Author,
    comment: str,
    *,
    operation: str | None = None,
) -> CommitResult:
    """Commit one new or changed file.

    Concurrent calls all survive: each starts from the tip it finds under the lock.
    """
    kept = keep(context, context.repository(package), name, staged)
    with Transaction(context, package) as change:
        kept.tell(change)
        return _commit(
            change, lambda tree: tree.with_files({kept.name: kept.blob}), author, comment, operation
        )


def delete_file(
    context: Context,
    package: Package,
    name: str,
    author: Author,
    comment: str,
    *,
    operation: str | None = None,
) -> CommitResult:
    """Commit the removal of one file.

    Raises:
        UnknownFile: There is no such file.
    """
    with Transaction(context, package) as change:
        return _commit(change, lambda tree: without_file(tree, name), author, comment, operation)


def store_content(context: Context, package: Package, name: str, staged: StagedFile) -> None:
    """Keep content under a name without committing it, for a later list of files."""
    kept = keep(context, context.repository(package), name, staged)
    with context.records.begin() as unit:
        unit.contents.put_all(package.id, [kept.note(context.now())])
        if kept.large:
            unit.contents.grant_large(package.id, staged.sha256)


def import_tree(
    context: Context,
    package: Package,
    files: Mapping[str, StagedFile],
    author: Author,
    comment: str,
    *,
    replace: bool = True,
    operation: str | None = None,
    build_id: int | None = None,
) -> CommitResult:
    """Commit many files at once.

    Args:
        context: The storage.
        package: The package.
        files: Content by name.
        author: Who it is by.
        comment: Commit message.
        replace: Whether files not given are removed.
        operation: Idempotency key.
        build_id: A build that was waiting for these sources; None makes one.
    """
    writer = context.repository(package).writer()
    kept = [keep_with(context, writer, name, staged) for name, staged in files.items()]
    writer.flush()

    blobs: dict[str, str] = {item.name: item.blob for item in kept}

    def edit(tree: FlatTree) -> FlatTree:
        return tree.replaced(blobs) if replace else tree.with_files(blobs)

    with Transaction(context, package) as change:
        for item in kept:
            item.tell(change)
        return _commit(change, edit, author, comment, operation, build_id)


def _commit(
    change: Transaction,
    edit: Edit,
    author: Author,
    comment: str,
    operation: str | None,
    build_id: int | None = None,
) -> CommitResult:
    if (done := change.repeated(operation)) is not None:
        return done
    tree_id = change.add_tree(edit(working_tree(change)))
    change.add_revision("source", tree_id, author, comment, operation=operation)
    return change.finish(build_id=build_id)[-1]
