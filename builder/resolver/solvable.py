"""One installable package, and the distribution that may stand behind all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Protocol

from storage.model import JsonObject

from ..versions import Dependency

_DEB_CONDITION = re.compile(r"\(\s*([<>=]+)\s*([^)\s]+)\s*\)")
_DEB_QUALIFIER = re.compile(r":(?:any|native)\b")

_MOST = 20_000
_LONGEST = 1_000

parse_dependency = lru_cache(maxsize=65536)(Dependency.parse)


@dataclass(frozen=True, slots=True)
class Solvable:
    """One binary package; dependency texts are ``name`` or ``name op version``.

    Attributes:
        evr: ``[epoch:]version[-release]``.
        arch: Architecture of the package file.
        project: Where it comes from, with ``repository``; empty for test data.
        producer: Source package that made it; empty for packages of a base.
        job_id: Job whose result it is; 0 for packages of a base.
        identity: What changes when the file changes (header or file checksum).
        filename: Name of its file; empty when unknown.
    """

    name: str
    evr: str = "1-1"
    arch: str = ""
    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    obsoletes: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    supplements: tuple[str, ...] = ()
    project: str = ""
    repository: str = ""
    producer: str = ""
    job_id: int = 0
    identity: str = ""
    filename: str = ""


class Backdrop(Protocol):
    """A distribution whose packages are taken as they are, without the choice rules."""

    def providers(self, dependency: str) -> Sequence[Solvable]:
        """Packages that meet a dependency, the one to take first; empty if none does."""
        ...

    def assumes(self, dependency: str) -> bool:
        """Whether an indirect requirement may be left to the installer of the root."""
        ...


def solvable_of(
    header: JsonObject,
    *,
    project: str = "",
    repository: str = "",
    producer: str = "",
    job_id: int = 0,
    identity: str = "",
    filename: str = "",
) -> Solvable | None:
    """The installable package a result file's header describes; None for other files."""
    name, version = str(header.get("name") or ""), str(header.get("version") or "")
    if not name or not version or header.get("arch") in ("src", "nosrc"):
        return None
    is_deb = header.get("type") == "deb"
    release, epoch = str(header.get("release") or ""), str(header.get("epoch") or "")
    evr = f"{version}-{release}" if release else version
    return Solvable(
        name=name,
        evr=f"{epoch}:{evr}" if epoch not in ("", "0", "None") else evr,
        arch=str(header.get("arch") or ""),
        provides=_texts(header, "provides", is_deb),
        requires=_texts(header, "requires", is_deb),
        conflicts=_texts(header, "conflicts", is_deb),
        # Debian's Replaces lets a package overwrite files; it pushes nothing out.
        obsoletes=() if is_deb else _texts(header, "obsoletes", is_deb),
        recommends=_texts(header, "recommends", is_deb),
        supplements=_texts(header, "supplements", is_deb),
        project=project,
        repository=repository,
        producer=producer,
        job_id=job_id,
        identity=identity,
        filename=filename,
    )


def plain_dependency(text: str) -> str:
    """A Debian relation in the common form: ``a (>= 1) | b:any`` to ``a >= 1 | b``."""
    return _DEB_QUALIFIER.sub("", _DEB_CONDITION.sub(_common_operator, text)).strip()


def _common_operator(match: re.Match[str]) -> str:
    operator = {">>": ">", "<<": "<"}.get(match[1], match[1])
    return f"{operator} {match[2]}"


def _texts(header: JsonObject, key: str, is_deb: bool) -> tuple[str, ...]:
    # Headers are what a build made of itself: bounded, whatever they say.
    words = [str(word)[:_LONGEST] for word in islice(header.get(key) or (), _MOST)]
    return tuple(map(plain_dependency, words)) if is_deb else tuple(words)
