"""Macros as spec files see them: more built-ins, and marks where code would run."""

from __future__ import annotations

import re

from ..prjconf import ProjectConfig, spec_macros
from ..prjconf.macros import BUILTINS, MacroError, Macros

UNKNOWN = "\ue000"
"""Stands in the text for a value only running code can tell."""

_EXPANSION_LIMIT = 400_000
_SHORTENED = re.compile(
    r"\s*(?P<v>[a-zA-Z_]\w*)=(?P<text>[\w.%{}?\"'-]+)\s*;\s*"
    r"echo\s+\"?\$\{(?P=v):(?P<start>\d{1,3}):(?P<length>\d{1,3})\}\"?\s*"
)
_CUT = re.compile(
    r"\s*echo\s+(?P<text>[\w.%{}?\"'-]+)\s*\|\s*cut\s+-[bc]\s*1?-(?P<length>\d{1,3})\s*"
)
_PLAIN = re.compile(r"[\w.-]*")


class SpecMacros(Macros):
    """The table one spec file is read with."""

    def __init__(self, config: ProjectConfig, arch: str) -> None:
        """Start with what the combined configuration gives to specs."""
        super().__init__(limit=_EXPANSION_LIMIT)
        self.take(spec_macros(config, arch))
        self.needs_sandbox = False

    def shell(self, text: str) -> str:
        """Shortening a commit id is understood; everything else is unknown."""
        for pattern in (_SHORTENED, _CUT):
            if match := pattern.fullmatch(text):
                value = self.expand(match["text"]).strip("\"'")
                if _PLAIN.fullmatch(value):
                    start = int(match.groupdict().get("start") or 0)
                    return value[start : start + int(match["length"])]
        self.needs_sandbox = True
        return UNKNOWN

    def lua(self, text: str) -> str:
        """Lua is code as well."""
        self.needs_sandbox = True
        return UNKNOWN


def _undefine(macros: Macros, text: str) -> str:
    for name in text.split()[:1]:
        macros.undefine(name)
    return ""


def _sub(_macros: Macros, text: str) -> str:
    words = text.split()
    if len(words) != 3 or not all(re.fullmatch(r"-?\d{1,6}", word) for word in words[1:]):
        raise MacroError("bad arguments of sub")
    value, start, stop = words[0], int(words[1]), int(words[2])
    start = start - 1 if start > 0 else start
    return value[start : len(value) + stop + 1 if stop < 0 else stop]


def _gsub(macros: Macros, text: str) -> str:
    """Only replacement of plain text: patterns are Lua's."""
    words = text.split()
    pattern = re.sub(r"%(\W)", r"\1", words[1]) if len(words) == 3 else ""
    if not pattern or (len(words[1]) > 1 and re.search(r"[\^$*+?.(\[%-]", pattern)):
        return macros.lua(text)
    return words[0].replace(pattern, words[2])


SpecMacros.builtins = {
    **BUILTINS,
    "undefine": _undefine,
    "lower": lambda _, text: text.lower(),
    "upper": lambda _, text: text.upper(),
    "len": lambda _, text: str(len(text)),
    "sub": _sub,
    "gsub": _gsub,
    "getenv": lambda _, text: "",
    "load": lambda _, text: "",
    "include": lambda _, text: "",
    "trace": lambda _, text: "",
    "warn": lambda _, text: "",
    "echo": lambda _, text: "",
}
