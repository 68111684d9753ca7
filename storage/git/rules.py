"""What the tree of a package may look like; every door is held to the same rules."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import InvalidContent, InvalidName
from ..limits import StorageLimits
from ..names import FileName
from .largefiles import Pointer, parse_pointer
from .objects import ObjectStore
from .trees import ATTRIBUTES, DIRECTORY_MODE, EXECUTABLE_MODE, FILE_MODE, TreeEntry, parse_tree

SYMLINK_MODE = 0o120000
GITLINK_MODE = 0o160000
_OLD_GROUP_WRITABLE_MODE = 0o100664
_FILE_MODES = frozenset({FILE_MODE, EXECUTABLE_MODE, _OLD_GROUP_WRITABLE_MODE})
_WHAT = {
    DIRECTORY_MODE: "a directory",
    SYMLINK_MODE: "a symbolic link",
    GITLINK_MODE: "a submodule",
}

LargeCheck = Callable[[str], int | None]
"""From a sha256 to the size of that large file, None when the package does not have it."""


def check_tree(
    objects: ObjectStore,
    tree: str,
    large: LargeCheck,
    limits: StorageLimits,
    checked: set[str] | None = None,
) -> int:
    """Check the tree of a commit that wants to become a revision of main.

    Args:
        objects: Where tree and blobs are; a quarantine counts.
        tree: Id of the tree.
        large: Which large files the package may point at.
        limits: How many files and how big.
        checked: Blobs known to be good; every good one is added. Give the same
            set for all commits of a push, and fill it with the blobs of the
            old tip to spare reading them.

    Returns:
        How many files the tree has.

    Raises:
        InvalidContent: A rule is broken; the message names the file.
        Damaged: The tree or a blob is missing.
    """
    good = set() if checked is None else checked
    entries = list(parse_tree(objects.get(tree, "tree")))
    check_count(len(entries), limits)
    seen: set[bytes] = set()
    for entry in entries:
        check_entry(entry)
        shown = entry.name.decode("utf-8", errors="replace")
        if entry.name in seen:
            raise InvalidContent(f"'{shown}' is there twice", file=shown)
        seen.add(entry.name)
        if entry.oid not in good:
            data = objects.get(entry.oid, "blob")
            check_content(shown, len(data), parse_pointer(data), large, limits)
            good.add(entry.oid)
    return len(entries)


def check_count(files: int, limits: StorageLimits) -> None:
    """Check how many files a tree has.

    Raises:
        InvalidContent: Too many.
    """
    if files > limits.tree_files:
        raise InvalidContent(f"more than {limits.tree_files} files in one package")


def check_content_name(name: str) -> FileName:
    """Check the name of a source file that somebody wants to write.

    Raises:
        InvalidName: It breaks the naming rules or is one only the server makes.
    """
    parsed = FileName.parse(name)
    if is_generated(parsed):
        raise InvalidName(f"'{parsed}' is made by a service and is read-only")
    return parsed


def is_generated(name: str) -> bool:
    """Whether a service result has this name; clients cannot commit those."""
    return name.startswith(("_service:", "_service_"))


def check_entry(entry: TreeEntry) -> None:
    """Check mode and name of one line of a tree.

    Raises:
        InvalidContent: It is no ordinary file, or its name breaks the rules.
    """
    shown = entry.name.decode("utf-8", errors="replace")
    if entry.mode not in _FILE_MODES:
        what = _WHAT.get(entry.mode, f"mode {entry.mode:o}")
        raise InvalidContent(f"'{shown}' is {what}; a package is a flat list of files", file=shown)
    if entry.name == ATTRIBUTES.encode():
        return
    try:
        FileName.parse(entry.name.decode())
    except (UnicodeDecodeError, InvalidName):
        raise InvalidContent(f"invalid file name '{shown[:100]}'", file=shown) from None


def check_content(
    shown: str, size: int, pointer: Pointer | None, large: LargeCheck, limits: StorageLimits
) -> None:
    """Check the content of one file.

    Args:
        shown: Name of the file, for messages.
        size: Bytes of the blob.
        pointer: What it says, if it is a pointer to a large file.
        large: Which large files the package may point at.
        limits: How big it may be.

    Raises:
        InvalidContent: Too big, or a pointer to what the package does not have.
    """
    if size > limits.push_blob_bytes:
        raise InvalidContent(
            f"'{shown}' is larger than {limits.push_blob_bytes} bytes",
            hint="track it with Git LFS",
            file=shown,
        )
    if pointer is None:
        return
    held = large(pointer.sha256)
    if held is None:
        raise InvalidContent(
            f"the large file behind '{shown}' was not uploaded",
            hint="push with git lfs installed",
            file=shown,
        )
    if held != pointer.size:
        raise InvalidContent(f"the pointer '{shown}' tells a wrong size", file=shown)
