"""Limits of the storage room, as plain values; the facade's settings fill them in."""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StorageLimits:
    """What storage accepts and how long it waits.

    Attributes:
        large_binary_bytes: A file that is not text and bigger than this leaves git
            and is kept in the large file store.
        large_text_bytes: Any file bigger than this goes there.
        file_bytes: Biggest single file accepted at all.
        tree_files: Most files in one package.
        comment_bytes: A longer commit comment is cut.
        meta_bytes: Biggest ``_meta`` or other file of the meta ref.
        recipe_bytes: Files bigger than this are not read to find a version.
        push_blob_bytes: Biggest ordinary blob a push may bring.
        push_commits: Most new commits of main in one push.
        push_files: Most files in all new trees of main in one push together; each
            new revision keeps a list of its files.
        lock_timeout_s: How long a writer waits for a repository.
        heal_timeout_s: How long a reader waits before it serves what is indexed.
    """

    large_binary_bytes: int = 1 * _MIB
    large_text_bytes: int = 16 * _MIB
    file_bytes: int = 16 * 1024 * _MIB
    tree_files: int = 20_000
    comment_bytes: int = 64 * 1024
    meta_bytes: int = 16 * _MIB
    recipe_bytes: int = 4 * _MIB
    push_blob_bytes: int = 64 * _MIB
    push_commits: int = 10_000
    push_files: int = 1_000_000
    lock_timeout_s: float = 30.0
    heal_timeout_s: float = 2.0
