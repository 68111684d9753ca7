"""How each directive acts on what earlier lines said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .config import UNDEFINED, ProjectConfig, unique

_UNIQUE_LISTS = frozenset(
    "preinstall vminstall runscripts cbpreinstall cbinstall required support keep "
    "ignorerebuild patterntype".split()
)
_LISTS = _UNIQUE_LISTS - {"patterntype"} | frozenset(
    "prefer ignore conflict expandflags buildflags publishflags alsonative onlynative "
    "repourl registryurl assetsurl".split()
)
_KEYED = frozenset({"substitute", "fileprovides"})
_OVERWRITTEN = frozenset({"optflags", "exportfilter"})
_REPLACED = frozenset({"repotype", "patterntype", "publishfilter"})
_WORD = frozenset({"type", "binarytype", "buildengine", "singleexport"})
_TEXT = frozenset({"target", "hostarch"})
_KNOWN_WITHOUT_EFFECT = frozenset(
    {"releaseprg", "releasesuffix", "cicntstart", "fromscratch", "changetarget"}
)
_GUESSES = (("rpm", "spec"), ("debianutils", "dsc"), ("pacman", "arch"), ("apk-tools", "apk"))
_BINARY_TYPES = {"spec": "rpm", "dsc": "deb", "collax": "deb", "livebuild": "deb"}
_BINARY_TYPES |= {"arch": "arch", "apk": "apk"}
_PACKAGE_INSTALLERS = {"rpm": "rpm", "debianutils": "deb", "pacman": "arch", "apk-tools": "apk"}


@dataclass(slots=True)
class Builder:
    """Collects directive lines into a configuration."""

    lists: dict[str, list[str]] = field(default_factory=dict)
    keyed: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    words: dict[str, Any] = field(default_factory=dict)
    order: dict[str, None] = field(default_factory=dict)
    constraint: list[str] = field(default_factory=list)
    distmacros: list[str] = field(default_factory=list)
    rawmacros: str = ""
    warnings: list[str] = field(default_factory=list)

    def block(self, text: str) -> None:
        """Take one macro section; a leading ``!`` line forgets the earlier ones."""
        if text.startswith("!\n"):
            self.rawmacros = text[2:]
        else:
            self.rawmacros += text

    def line(self, text: str) -> None:
        """Take one expanded line."""
        first, *rest = text.split() or [""]
        lowered = first.lower()
        if not first or lowered[0] in "#%":
            return
        keyword = "target" if lowered == "changetarget:" else lowered.removesuffix(":")
        known = lowered.endswith(":") and self._take(keyword, rest)
        if not known:
            self.warnings.append(f"unknown keyword in config: {lowered}")

    def _take(self, keyword: str, rest: list[str]) -> bool:
        if keyword in _LISTS:
            self.lists[keyword] = _accumulate(self.lists.get(keyword, []), rest)
        elif keyword in _KEYED:
            _set_key(self.keyed.setdefault(keyword, {}), rest, removable=True)
        elif keyword in _OVERWRITTEN:
            _set_key(self.keyed.setdefault(keyword, {}), rest, removable=False)
        elif keyword in _REPLACED:
            self.lists[keyword] = rest
        elif keyword in _WORD:
            self.words[keyword] = rest[0] if rest else ""
        elif keyword in _TEXT:
            self.words[keyword] = " ".join(rest)
        else:
            special = self._specials().get(keyword)
            if special is not None:
                special(rest)
            return special is not None or keyword in _KNOWN_WITHOUT_EFFECT
        return True

    def _specials(self) -> dict[str, Callable[[list[str]], None]]:
        return {
            "order": self._order,
            "constraint": self._constraint,
            "release": self._release,
            "distmacro": self._distmacro,
        }

    def _order(self, rest: list[str]) -> None:
        for word in rest:
            if word == "!*":
                self.order.clear()
            elif word.startswith("!"):
                self.order.pop(word[1:], None)
            else:
                self.order[word] = None

    def _constraint(self, rest: list[str]) -> None:
        if rest == ["!*"]:
            self.constraint.clear()
        elif rest:
            self.constraint.append(" ".join(rest))

    def _release(self, rest: list[str]) -> None:
        self.words["release"] = rest[0] if rest else None
        self.lists["release_forms"] = rest

    def _distmacro(self, rest: list[str]) -> None:
        if rest:
            self.distmacros.append(" ".join(rest))

    def finish(self, parse_error: str) -> ProjectConfig:
        """The configuration all lines together make."""
        lists: dict[str, Any] = {
            name: unique(words) if name in _UNIQUE_LISTS else tuple(words)
            for name, words in self.lists.items()
        }
        substitutions = self.keyed.get("substitute", {})
        config = ProjectConfig(
            **lists,
            **self.words,
            substitute={
                name: unique([word.removesuffix("=") for word in words])
                for name, words in substitutions.items()
            },
            substitute_versions={
                name: frozenset(w.removesuffix("=") for w in words if w.endswith("="))
                for name, words in substitutions.items()
                if any(w.endswith("=") for w in words)
            },
            fileprovides=_tuples(self.keyed.get("fileprovides", {})),
            exportfilter=_tuples(self.keyed.get("exportfilter", {})),
            optflags={k: " ".join(v) for k, v in self.keyed.get("optflags", {}).items()},
            order=tuple(self.order),
            constraint=tuple(self.constraint),
            distmacros=tuple(self.distmacros),
            rawmacros=self.rawmacros,
            warnings=tuple(self.warnings),
            parse_error=parse_error,
        )
        return _with_types(config)


def _accumulate(earlier: list[str], rest: list[str]) -> list[str]:
    words = list(earlier)
    for word in rest:
        if word == "!*":
            words = []
        elif word.startswith("!"):
            words = [kept for kept in words if kept != word[1:]]
        else:
            words.append(word)
    return words


def _set_key(table: dict[str, list[str]], rest: list[str], *, removable: bool) -> None:
    if not rest:
        return
    key, *words = rest
    if removable and key == "!*":
        table.clear()
    elif removable and key.startswith("!"):
        table.pop(key[1:], None)
    else:
        table[key] = words


def _tuples(table: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(words) for key, words in table.items()}


def _with_types(config: ProjectConfig) -> ProjectConfig:
    """Guess the recipe and binary type that no line gave."""
    kind = config.type if config.type != UNDEFINED else ""
    if not kind:
        kind = next((t for name, t in _GUESSES if name in config.preinstall), UNDEFINED)
    binary = config.binarytype if config.binarytype != UNDEFINED else ""
    if not binary:
        binary = _BINARY_TYPES.get(kind, "")
    if not binary and kind != UNDEFINED:
        installed = (b for name, b in _PACKAGE_INSTALLERS.items() if name in config.preinstall)
        binary = next(installed, "")
    return replace(config, type=kind, binarytype=binary or UNDEFINED)
