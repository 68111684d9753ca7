"""The input record of a build, and what a difference between two of them means.

Contract: build semantics, section 4.5. The first line is ``SOURCEID  package``;
then ``ID  name`` per input binary; lines of own binaries are followed by the record
of the build that made them, ``ID  name/x``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from storage.model import JsonObject

from ..resolver import Solvable

STAND_IN = "-  _stand_in"
"""Second line of a record that stands for a build whose root could not be set up."""

_MAX_LINES = 3000
_REST = "..."


@dataclass(frozen=True, slots=True)
class Input:
    """One binary a build depends on.

    Attributes:
        id: Source id of the producer for own binaries, else what identifies the file.
        record: Record of the build that made an own binary; empty for others.
    """

    name: str
    id: str
    record: str = ""


def make_record(
    package: str, source_id: str, inputs: Iterable[Input], own_binaries: Iterable[str]
) -> str:
    """The record of building a package now.

    Lines that lead through the package's own binaries are left out: else a cycle
    would never come to rest.

    Args:
        package: Name of the package.
        source_id: What its sources are.
        inputs: The input set.
        own_binaries: What the package itself made last.
    """
    own = set(own_binaries)
    lines: list[tuple[int, str, str]] = []
    for item in inputs:
        if item.name in own:
            continue
        lines.append((0, item.name, item.id))
        for line in item.record.split("\n")[1:]:
            identity, _, path = line.partition("  ")
            if path and own.isdisjoint(path.split("/")):
                lines.append((path.count("/") + 1, f"{item.name}/{path}", identity))
    kept: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    for _, path, identity in sorted(lines):
        last = (identity, path.rpartition("/")[2])
        if last not in seen:
            seen.add(last)
            kept[path] = identity
    return "\n".join([f"{source_id}  {package}", *_bounded(kept)])


def _bounded(lines: dict[str, str]) -> list[str]:
    """All lines; of too many the deep ones as one checksum."""
    texts = [f"{identity}  {path}" for path, identity in lines.items()]
    if len(texts) <= _MAX_LINES:
        return texts
    rest = "\n".join(sorted(texts[_MAX_LINES:]))
    digest = hashlib.md5(rest.encode(), usedforsecurity=False).hexdigest()
    return [*texts[:_MAX_LINES], f"{digest}  {_REST}/{_REST}"]


def stand_in(source_id: str, package: str) -> str:
    """The record of a build that never got its inputs."""
    return f"{source_id}  {package}\n{STAND_IN}"


def is_stand_in(record: str) -> bool:
    """Whether a record is one of ``stand_in``."""
    return record.endswith(f"\n{STAND_IN}")


def source_of(record: str) -> str:
    """The source id a record begins with."""
    return record.partition("  ")[0]


def input_names(record: str) -> list[str]:
    """Names of the binaries that were direct members of the input set."""
    lines = record.split("\n")[1:]
    return [path for line in lines if (path := line.partition("  ")[2]) and "/" not in path]


def source_reason(old: str, source_id: str) -> JsonObject | None:
    """The reason that lies in the package itself: it is new, or its sources are."""
    if not old:
        return {"explain": "new build"}
    if source_of(old) != source_id:
        return {"explain": "source change", "oldsource": source_of(old)}
    return None


def meta_reason(old: str, new: str, mode: str) -> JsonObject | None:
    """The reason that lies in the inputs.

    Args:
        old: Record of the last build.
        new: Record a build would have now.
        mode: ``transitive``, ``direct`` or ``local``.
    """
    if mode == "local":
        return None
    before, after = _inputs(old, mode), _inputs(new, mode)
    changes = [
        {"change": change, "key": key}
        for key in sorted(before.keys() | after.keys())
        if (change := _change(before.get(key), after.get(key)))
    ]
    return {"explain": "meta change", "packagechange": changes} if changes else None


def _change(before: str | None, after: str | None) -> str:
    if before == after:
        return ""
    if before is None:
        return "added"
    return "removed" if after is None else "md5sum"


def _inputs(record: str, mode: str) -> dict[str, str]:
    found = {}
    for line in record.split("\n")[1:]:
        identity, _, path = line.partition("  ")
        if path and not (mode == "direct" and "/" in path):
            found[path] = identity
    return found


def inputs_of(
    solvables: Sequence[Solvable],
    made_by: Callable[[int], tuple[str, str]],
    is_own: Callable[[Solvable], bool],
    *,
    by_file: bool = False,
) -> list[Input]:
    """Inputs for ``make_record``.

    Args:
        solvables: The input set.
        made_by: Source id and record of a job.
        is_own: Whether a binary comes from the repository that is being checked.
        by_file: Own binaries count by their file too (``forcebinaryidmeta``).
    """
    found = []
    for solvable in solvables:
        if is_own(solvable) and not by_file:
            source, record = made_by(solvable.job_id)
            found.append(Input(solvable.name, source, record))
        else:
            found.append(Input(solvable.name, solvable.identity))
    return found
