"""RPM spec files."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from ..prjconf import ProjectConfig
from ..prjconf.conditions import Conditions
from ..prjconf.lines import logical_lines
from ..prjconf.macros import LIMIT_MESSAGES, MacroError
from .base import SIZE_LIMIT_BYTES, ParsedRecipe, find_by_suffix
from .deplist import split_dependencies
from .specmacros import UNKNOWN, SpecMacros

_TAG = re.compile(r"\s*([a-zA-Z]+)(\d*)\s*(?:\(([^)]*)\)\s*)?:\s*(.*)", re.DOTALL)
_HINT = re.compile(r"\s*#!\s*(buildrequires|buildconflicts|buildignore)\s*:\s*(.*)", re.IGNORECASE)
_SECTION = re.compile(
    r"\s*%(description|package|files|prep|generate_buildrequires|conf|build|install|check|clean"
    r"|changelog|pre|post|preun|postun|pretrans|posttrans|preuntrans|postuntrans|verifyscript"
    r"|trigger\w*|filetrigger\w*|transfiletrigger\w*|sepolicy|sourcelist|patchlist)(?!\w)(.*)"
)
_DEFINITION = re.compile(r"\s*%(define|global|undefine|\{\s*[!?]*\w+\s*:\s*%|bcond)")
_WORDS = re.compile(r"[\s,]+")
_VALUES = ("name", "version", "release", "epoch")
_PREREQUISITE = re.compile(r"(?:^|,)\s*(?:pre|post)\s*(?:,|$)")
_LISTS = {
    "buildrequires": "buildrequires",
    "buildprereq": "buildrequires",
    "buildconflicts": "conflicts",
    "buildignore": "ignores",
}
_ARCHES = {
    "exclusivearch": "exclusive_arch",
    "excludearch": "exclude_arch",
    "buildarch": "build_arches",
    "buildarchitectures": "build_arches",
}
_MAX_WORDS = 20_000
_MAX_LINES = 400_000


class SpecRecipe:
    """Reads spec files with the macros of the project configuration."""

    kind = "spec"

    def find(self, files: Collection[str], package: str, repository: str = "") -> str | None:
        """The spec file to use; see ``Recipe.find``."""
        return find_by_suffix(files, ".spec", package, repository)

    def parse(
        self, text: str, config: ProjectConfig, arch: str, *, package: str = "", flavor: str = ""
    ) -> ParsedRecipe:
        """Read a spec file; see ``Recipe.parse``."""
        if len(text) > SIZE_LIMIT_BYTES:
            return ParsedRecipe(self.kind, error="recipe is too large")
        text = text.replace("@BUILD_FLAVOR@", flavor).replace("@OBS_PACKAGE@", package)
        return _Reading(config, arch, package).read(text)


@dataclass(slots=True)
class _Found:
    """Words collected while reading."""

    values: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    subpackages: dict[str, None] = field(default_factory=dict)
    filled: dict[str, None] = field(default_factory=dict)
    count: int = 0

    def add(self, key: str, words: list[str]) -> None:
        known = [word for word in words if UNKNOWN not in word and not word.startswith("%")]
        self.count += len(words) + 1
        self.lists.setdefault(key, []).extend(known)

    def words(self, key: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.lists.get(key, [])))


class _Reading:
    """One pass over a spec: conditions everywhere, tags in preambles only."""

    def __init__(self, config: ProjectConfig, arch: str, package: str) -> None:
        self._macros = SpecMacros(config, arch)
        self._arch = arch
        self._project = ""
        if (project := self._macros.get("_project")) is not None:
            self._project = project.body
        self._package = package
        self._conditions = Conditions()
        self._section = "preamble"
        self._found = _Found()
        self._error = ""

    def read(self, text: str) -> ParsedRecipe:
        if text.count("\n") > _MAX_LINES:
            return ParsedRecipe("spec", error="recipe has too many lines")
        for line in logical_lines(text, blocks=False):
            if not line.text or line.text.isspace():
                continue
            try:
                problem = self._conditions.take(line.text, self._macros)
                if problem:
                    self._condition_failed(line.number, problem)
                if problem is None and self._conditions.reading:
                    self._line(line.text)
            except MacroError as error:
                self._fail(line.number, str(error.args[0]))
            if self._found.count > _MAX_WORDS:
                self._fail(line.number, "too many dependencies")
                break
            if self._error.endswith(LIMIT_MESSAGES):
                break
        return self._result()

    def _condition_failed(self, number: int, problem: str) -> None:
        # rpm knows macros and functions that are not known here: not the package's fault.
        if problem in LIMIT_MESSAGES:
            self._fail(number, problem)
        self._macros.needs_sandbox = True

    def _fail(self, number: int, message: str) -> None:
        self._error = self._error or f"line {number}: {message}"

    def _line(self, text: str) -> None:
        if match := _HINT.match(text):
            self._dependencies(match[1].lower(), match[2])
        elif text.lstrip().startswith("#"):
            return
        elif match := _SECTION.match(text):
            self._enter(match[1], match[2])
        elif _DEFINITION.match(text):
            self._macros.expand(text)
        elif self._section in ("preamble", "package"):
            self._tag(text)

    def _enter(self, section: str, argument: str) -> None:
        self._section = section
        if section not in ("package", "files"):
            return
        words = self._macros.expand(argument).split()
        name = _section_package(words, self._found.values.get("name", ""))
        if UNKNOWN not in name and "%" not in name:
            target = self._found.subpackages if section == "package" else self._found.filled
            target[name] = None

    def _tag(self, text: str) -> None:
        if "%" in text and _TAG.match(text) is None:
            # A macro may stand for whole lines of tags.
            for line in self._macros.expand(text).split("\n")[:1000]:
                if _TAG.match(line):
                    self._tag(line)
            return
        match = _TAG.match(text)
        if match is None:
            return
        tag, value = match[1].lower(), match[4]
        if tag == "requires":
            if match[3] and _PREREQUISITE.search(match[3]):
                self._prerequisites(value)
        elif tag == "prereq":
            self._prerequisites(value)
        elif self._section == "preamble":
            self._main_tag(tag, match[2], value)

    def _main_tag(self, tag: str, number: str, value: str) -> None:
        if tag in _VALUES:
            self._value(tag, self._macros.expand(value).partition("\n")[0].strip())
        elif tag in _LISTS:
            self._dependencies(tag, value)
        elif tag in _ARCHES:
            words = _WORDS.split(self._macros.expand(value).strip())
            words = [word for word in words if word and UNKNOWN not in word]
            self._found.lists.setdefault(_ARCHES[tag], []).extend(words)
        elif tag in ("source", "patch"):
            self._found.add("sources", [self._macros.expand(value).strip()])
            self._macros.define(f"{tag.upper()}{number or '0'}", value.strip())

    def _value(self, tag: str, value: str) -> None:
        self._found.values[tag] = value
        for name in (tag, tag.upper()):
            self._macros.define(name, value)

    def _dependencies(self, tag: str, value: str) -> None:
        expanded = self._macros.expand(value).partition("\n")[0]
        words = split_dependencies(expanded, {self._arch, self._project})
        self._found.add(_LISTS[tag], words)

    def _prerequisites(self, value: str) -> None:
        expanded = self._macros.expand(value).partition("\n")[0]
        words = split_dependencies(expanded, {self._arch, self._project})
        names = [word if word.startswith("(") else word.partition(" ")[0] for word in words]
        self._found.add("prereqs", [name for name in names if name != "none"])

    def _result(self) -> ParsedRecipe:
        found, values = self._found, self._found.values
        name = values.get("name", "")
        version = values.get("version", "")
        unknown = UNKNOWN in name or "%" in name or not name
        made = dict.fromkeys([name, *found.subpackages])
        if found.filled:
            made = {n: None for n in made if n in found.filled}
        needed = set(found.words("buildrequires")) | set(found.subpackages) | {name}
        return ParsedRecipe(
            kind="spec",
            name="" if unknown else name,
            epoch=_plain(values.get("epoch", "")),
            version=_plain(version),
            release=values.get("release", "").replace(UNKNOWN, ""),
            buildrequires=found.words("buildrequires"),
            conflicts=found.words("conflicts"),
            ignores=found.words("ignores"),
            prereqs=tuple(word for word in found.words("prereqs") if word not in needed),
            subpackages=tuple(made),
            exclusive_arch=found.words("exclusive_arch"),
            exclude_arch=found.words("exclude_arch"),
            build_arches=found.words("build_arches"),
            sources=found.words("sources"),
            needs_sandbox_parse=self._macros.needs_sandbox,
            error=self._error or (f"can not parse name from {self._package}.spec" * unknown),
        )


def _section_package(words: list[str], main: str) -> str:
    """Which package a ``%package`` or ``%files`` line is about."""
    position = 0
    while position < len(words):
        word = words[position]
        if word == "-n" and position + 1 < len(words):
            return words[position + 1]
        if not word.startswith("-"):
            return f"{main}-{word}"
        position += 2 if word in ("-f", "-l", "-p") else 1
    return main


def _plain(value: str) -> str:
    """A value that was fully expanded and has no blanks, else nothing."""
    return "" if UNKNOWN in value or "%" in value or len(value.split()) != 1 else value
