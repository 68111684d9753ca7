"""Makes the compact form of a distribution's packages; runs in a process of its own.

Reading sixty thousand paragraphs takes seconds and three hundred megabytes once;
what comes out is loaded in fifty milliseconds.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cmp_to_key
from itertools import chain
from pathlib import Path
from typing import Any

import solv

from ..recipes.dsc import debian_arch
from ..versions import compare_evr
from .listing import Paragraph, read_list
from .rootfiles import root_provides

Package = tuple[Paragraph, Sequence[str]]
"""A paragraph and what its files provide besides."""

VERSIONED = "#"
"""Ends the capability that carries the version of a name; no Debian name holds it."""

_MEMORY_LIMIT_BYTES = 4 << 30
_PART = re.compile(
    r"\s*([a-zA-Z0-9][a-zA-Z0-9.+-]*)(?::[a-z0-9-]+)?\s*(?:\(\s*([<>=]+)\s*([^)\s]+)\s*\))?"
)
_RELATIONS = {
    ">>": solv.REL_GT,
    "<<": solv.REL_LT,
    ">": solv.REL_GT,
    "<": solv.REL_LT,
    ">=": solv.REL_GT | solv.REL_EQ,
    "<=": solv.REL_LT | solv.REL_EQ,
    "=": solv.REL_EQ,
}


@dataclass(frozen=True, slots=True)
class _Alternative:
    """``name op version`` of a relation; without a condition both are empty."""

    name: str
    operator: str
    version: str


@cache
def _relations(text: str) -> tuple[tuple[_Alternative, ...], ...]:
    """A relation field: clauses of alternatives."""
    clauses = []
    for clause in text.split(","):
        parts = (_PART.match(part) for part in clause.split("|"))
        found = tuple(_Alternative(m[1], m[2] or "", m[3] or "") for m in parts if m)
        if found:
            clauses.append(found)
    return tuple(clauses)


class Ranks:
    """Places of versions in Debian's order, per name.

    libsolv compares by rpm's rules only. With the place as epoch it needs nothing
    else, and the text stays readable behind it.
    """

    def __init__(self, packages: Iterable[Package]) -> None:
        """Collect every version that is ever compared."""
        found: dict[str, set[str]] = {}
        for package, capabilities in packages:
            found.setdefault(package.name, set()).add(package.version)
            for capability in capabilities:
                name, _, version = capability.partition(" = ")
                found.setdefault(name, set()).add(version)
            for field in (package.provides, package.depends, package.conflicts):
                for alternative in chain.from_iterable(_relations(field)):
                    found.setdefault(alternative.name, set()).add(alternative.version)
        self._texts = {name: _ranked(versions) for name, versions in found.items()}

    def of(self, name: str, version: str) -> str:
        """The comparable form of a version of ``name``."""
        return self._texts[name][version]


def _in_debian_order(left: str, right: str) -> int:
    return compare_evr(left, right, "deb")


def _ranked(versions: set[str]) -> dict[str, str]:
    compare = cmp_to_key(_in_debian_order)
    texts: dict[str, str] = {}
    before, text = None, ""
    for rank, version in enumerate(sorted(filter(None, versions), key=compare), 1):
        if before is None or compare_evr(before, version, "deb"):
            text = f"{rank}:{version}"
        texts[version] = text
        before = version
    return texts


class _Writer:
    """Fills one libsolv repository."""

    def __init__(self, arch: str, ranks: Ranks) -> None:
        self._pool = solv.Pool()
        self._pool.setarch(arch)
        self._arch = arch
        self._debian = debian_arch(arch)
        self._ranks = ranks

    def write(self, packages: Sequence[Package], path: Path) -> None:
        """Write packages with their additional capabilities."""
        repository = self._pool.add_repo(path.stem)
        data = repository.add_repodata()
        for package, capabilities in packages:
            row = repository.add_solvable()
            self._fill(row, package, capabilities)
            data.set_str(row.id, solv.SOLVABLE_CHECKSUM, package.sha256)
            data.set_str(row.id, solv.SOLVABLE_MEDIAFILE, package.filename.rpartition("/")[2])
        data.internalize()
        stream = solv.xfopen(str(path), "w")
        repository.write(stream)
        stream.close()

    def _fill(self, row: Any, package: Paragraph, capabilities: Sequence[str]) -> None:
        row.name, row.evr = package.name, self._ranks.of(package.name, package.version)
        # libsolv was built for rpm: it knows noarch, not all.
        row.arch = self._arch if package.arch == self._debian else "noarch"
        row.vendor = package.priority
        own = [_Alternative(package.name, "=", package.version)]
        for capability in capabilities:
            name, equals, version = capability.partition(" = ")
            own.append(_Alternative(name, equals.strip(), version))
        for provide in (*own, *chain.from_iterable(_relations(package.provides))):
            row.add_deparray(solv.SOLVABLE_PROVIDES, self._pool.Dep(provide.name))
            if provide.version:
                row.add_deparray(solv.SOLVABLE_PROVIDES, self._dependency(provide))
        for key, text in (
            (solv.SOLVABLE_REQUIRES, package.depends),
            (solv.SOLVABLE_CONFLICTS, package.conflicts),
        ):
            for first, *others in _relations(text):
                dependency = self._dependency(first)
                for other in others:
                    dependency = dependency.Rel(solv.REL_OR, self._dependency(other))
                row.add_deparray(key, dependency)

    def _dependency(self, part: _Alternative) -> Any:
        """A condition looks at versioned provides only: in Debian no other meets one."""
        operator = _RELATIONS.get(part.operator)
        if operator is None:
            return self._pool.Dep(part.name)
        version = self._pool.Dep(self._ranks.of(part.name, part.version))
        return self._pool.Dep(part.name + VERSIONED).Rel(operator, version)


def make(request: dict[str, Any]) -> None:
    """Write ``root.solv``, ``lists.solv`` and ``facts.json`` into a directory."""
    target = Path(request["target"])
    lowers = [Path(lower) for lower in request["lowers"]]
    capabilities = root_provides(lowers)
    installed: dict[str, Paragraph] = {}
    if request["status"]:
        for package in read_list(Path(request["status"])):
            if package.status.endswith(" installed"):
                installed[package.name] = package
    offered: dict[str, Paragraph] = {}
    for path in request["lists"]:
        for package in read_list(Path(path)):
            known = offered.get(package.name)
            if known is None or compare_evr(package.version, known.version, "deb") > 0:
                offered[package.name] = package
    root: list[Package] = [
        (package, capabilities.get(name, ())) for name, package in sorted(installed.items())
    ]
    lists: list[Package] = [
        (package, ())
        for name, package in sorted(offered.items())
        if name not in installed or installed[name].version != package.version
    ]
    writer = _Writer(request["arch"], Ranks([*root, *lists]))
    writer.write(root, target / "root.solv")
    writer.write(lists, target / "lists.solv")
    facts = {"installed": {name: p.version for name, p in installed.items()}}
    (target / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT_BYTES, _MEMORY_LIMIT_BYTES))
    os.nice(5)
    make(json.load(sys.stdin))
