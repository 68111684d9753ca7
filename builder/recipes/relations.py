"""Debian control syntax, handed to python-debian in a form it reads in linear time.

The library's expressions need quadratic time for long runs of blanks, which anyone
can put into an upload; with single blanks and bounded clauses they cannot.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping

from debian.deb822 import Deb822, PkgRelation

# What it cannot read it reports as a warning; here it is simply left out.
logging.getLogger("debian.deb822").setLevel(logging.ERROR)

_CLAUSE_LIMIT = 1000
_MAX_CLAUSES = 5_000
_OPERATORS = {">>": ">", "<<": "<"}


def first_paragraph(text: str) -> dict[str, str]:
    """Fields of the first paragraph, names in lower case; a signature is ignored."""
    try:
        lines = (line.encode(errors="replace") for line in text.lstrip().split("\n"))
        fields = Deb822(Deb822.split_gpg_and_payload(lines)[1])
        return {name.lower(): str(fields[name]) for name in fields}
    except (EOFError, ValueError, KeyError):
        return {}


def relations(
    paragraph: Mapping[str, str], fields: Collection[str], arch: str, profiles: Collection[str]
) -> Iterator[list[PkgRelation.ParsedRelation]]:
    """The alternatives that count of each relation, for a Debian architecture."""
    clauses = (c for field in fields for c in paragraph.get(field, "").split(",", _MAX_CLAUSES))
    for clause in clauses:
        text = " ".join(clause.split(None, _CLAUSE_LIMIT))
        if not text or len(text) > _CLAUSE_LIMIT:
            continue
        for alternatives in PkgRelation.parse_relations(text):
            if counted := [part for part in alternatives if _counts(part, arch, profiles)]:
                yield counted


def plain(part: PkgRelation.ParsedRelation) -> str:
    """``name`` or ``name op version``, in the operators both package formats share."""
    version = part.get("version")
    if not version:
        return part["name"]
    return f"{part['name']} {_OPERATORS.get(version[0], version[0])} {version[1]}"


def arch_matches(wildcard: str, arch: str) -> bool:
    """Debian's architecture wildcards, for Linux."""
    return wildcard in (arch, "any", "linux-any", f"any-{arch}", f"linux-{arch}")


def _counts(part: PkgRelation.ParsedRelation, arch: str, profiles: Collection[str]) -> bool:
    if not part["name"][:1].isalnum() or not part["name"].isascii() or " " in part["name"]:
        return False
    if arches := part.get("arch"):
        matched = any(arch_matches(word.arch, arch) for word in arches)
        if matched != arches[0].enabled:
            return False
    groups = part.get("restrictions")
    return not groups or any(
        all((term.profile in profiles) == term.enabled for term in group) for group in groups
    )
