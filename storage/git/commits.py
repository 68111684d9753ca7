"""Commit objects: built, parsed, and what packhouse writes into their message.

A commit made by the house carries a last paragraph of trailers:

    Packhouse-User: anna
    Packhouse-Request: 12
    Packhouse-Operation: 5f0c...

They make the index rebuildable and retries recognisable. They are believed only
in commits the house made itself: what a pushed commit says there is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import Damaged
from ..model import Author
from .objects import ObjectStore

COMMITTER = "packhouse <packhouse@localhost>"
_NO_COMMENT = "no comment given"
_TRAILER = re.compile(r"Packhouse-(User|Request|Operation|Comment): ?(.*)")
_LINE_BREAKERS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f<>]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_SIGNATURE = re.compile(r"(.*?) ?<([^>]*)> ?(-?[0-9]+)?(?: [-+][0-9]+)?")
_KEY_BYTES = 200
_LATEST_TIME = 253_402_300_799  # the end of year 9999


@dataclass(frozen=True, slots=True)
class Trailers:
    """What the house notes in a commit it makes."""

    user: str
    request_id: str | None = None
    operation: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """A parsed commit.

    Attributes:
        author: Name and address as text.
        time: Committer's time, Unix seconds.
        message: Everything after the headers.
    """

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: tuple[str, str]
    time: int
    message: str


def build_commit(
    tree: str, parents: Sequence[str], author: Author, message: str, time: int
) -> bytes:
    """The content of a commit object.

    Args:
        tree: Id of its tree.
        parents: Ids of its parents.
        author: Who it is by; the committer is always the house.
        message: Complete message, trailers included.
        time: Unix seconds, UTC.
    """
    name = _UNSAFE.sub("", author.realname).strip() or _UNSAFE.sub("", author.login)
    address = _UNSAFE.sub("", author.email).strip() or f"{_UNSAFE.sub('', author.login)}@localhost"
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines.append(f"author {name} <{address}> {time} +0000")
    lines.append(f"committer {COMMITTER} {time} +0000")
    return "\n".join([*lines, "", message]).encode(errors="replace")


def parse_commit(oid: str, data: bytes) -> Commit:
    """Read the content of a commit object.

    Raises:
        Damaged: It is not a commit.
    """
    head, _, message = data.partition(b"\n\n")
    tree, parents, author, time = "", [], ("", ""), 0
    for line in head.decode("utf-8", errors="replace").split("\n"):
        key, _, value = line.partition(" ")
        if key == "tree" and not tree:
            tree = value
        elif key == "parent":
            parents.append(value)
        elif key == "author":
            author = _signature(value)[:2]
        elif key == "committer":
            time = _signature(value)[2]
    if len(tree) != 40:
        raise Damaged(f"commit {oid} is malformed", oid=oid)
    text = message.decode("utf-8", errors="replace")
    return Commit(oid, tree, tuple(parents), author, time, text)


def compose_message(comment: str, trailers: Trailers) -> str:
    """The message of a commit: the comment, then a paragraph of trailers."""
    lines = [f"Packhouse-User: {_one_line(trailers.user)}"]
    if not comment.strip():
        # A commit needs a subject to be readable in git log.
        lines.append(f"Packhouse-Comment: {_encoded(comment)}")
        comment = _NO_COMMENT
    if trailers.request_id:
        lines.append(f"Packhouse-Request: {_one_line(trailers.request_id)}")
    if trailers.operation:
        lines.append(f"Packhouse-Operation: {_one_line(trailers.operation)}")
    return comment + "\n\n" + "\n".join(lines) + "\n"


def clean_comment(text: str, limit_bytes: int) -> str:
    """A comment as it is kept: valid UTF-8 without control characters, cut to a length.

    Args:
        text: What somebody wrote, over HTTP or in a pushed commit.
        limit_bytes: Most bytes kept.
    """
    kept = _CONTROL.sub("", text).encode(errors="replace")[:limit_bytes]
    return kept.decode(errors="ignore")


def split_message(message: str) -> tuple[str, Trailers | None]:
    """Undo ``compose_message``.

    Returns:
        The comment and the trailers; without a paragraph of trailers the whole
        message and None.
    """
    comment, separator, last = message.rpartition("\n\n")
    found: dict[str, str] = {}
    for line in last.split("\n")[:-1]:
        match = _TRAILER.fullmatch(line)
        if match is None:
            return message, None
        found[match[1]] = match[2]
    if not separator or "User" not in found:
        return message, None
    if "Comment" in found:
        comment = _decoded(found["Comment"])
    trailers = Trailers(found["User"], found.get("Request"), found.get("Operation"))
    return comment, trailers


def read_commit(objects: ObjectStore, oid: str) -> Commit:
    """Fetch and parse a commit.

    Raises:
        Damaged: It is absent or malformed.
    """
    return parse_commit(oid, objects.get(oid, "commit"))


def first_parents(objects: ObjectStore, tip: str) -> Iterator[Commit]:
    """A commit, its first parent, that one's first parent, to the root."""
    oid: str | None = tip
    while oid is not None:
        commit = read_commit(objects, oid)
        yield commit
        oid = commit.parents[0] if commit.parents else None


def _signature(value: str) -> tuple[str, str, int]:
    match = _SIGNATURE.fullmatch(value)
    if match is None:
        return value, "", 0
    time = min(max(int(match[3] or 0), 0), _LATEST_TIME)
    return match[1], match[2], time


def clean_key(value: str | None) -> str | None:
    """An operation or request id as it is kept: one short line, None when nothing is left."""
    if value is None:
        return None
    return _one_line(value).encode(errors="replace")[:_KEY_BYTES].decode(errors="ignore") or None


def _one_line(value: str) -> str:
    return _LINE_BREAKERS.sub("", value)


def _encoded(blank: str) -> str:
    """White space as hex, so that a blank comment comes back as it was."""
    return blank.encode(errors="replace").hex()


def _decoded(text: str) -> str:
    try:
        return bytes.fromhex(text).decode()
    except ValueError:
        return ""
