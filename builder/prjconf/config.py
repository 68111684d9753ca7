"""What a project configuration says, as one frozen value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..versions import BinaryType, Dependency

UNDEFINED = "UNDEFINED"
"""Type and binary type of a configuration that names none."""

DEFAULT_RELEASE = "<CI_CNT>.<B_CNT>"

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """A parsed configuration; every list is in effect order.

    Attributes:
        type: Recipe kind of the repository, ``UNDEFINED`` if none can be told.
        binarytype: ``rpm``, ``deb``, another format, or ``UNDEFINED``.
        release: Form of the release number; None leaves the recipe's own.
        release_forms: All forms, some limited to a recipe kind (``dsc:FORM``).
        substitute_versions: Members of a substitution that take over the version condition.
        order: Pairs ``a:b``; the first is installed before the second.
        rawmacros: Text of the macro sections, for specs and build roots.
        distmacros: Macros specs see at parse time only.
        warnings: What was skipped.
        parse_error: The first thing that could not be understood; empty = none.
    """

    type: str = UNDEFINED
    binarytype: str = UNDEFINED
    buildengine: str = ""
    repotype: Words = ()
    patterntype: Words = ()
    preinstall: Words = ()
    vminstall: Words = ()
    runscripts: Words = ()
    cbpreinstall: Words = ()
    cbinstall: Words = ()
    required: Words = ()
    support: Words = ()
    keep: Words = ()
    prefer: Words = ()
    ignore: Words = ()
    conflict: Words = ()
    substitute: Mapping[str, Words] = field(default_factory=dict)
    substitute_versions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    fileprovides: Mapping[str, Words] = field(default_factory=dict)
    order: Words = ()
    optflags: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    hostarch: str = ""
    release: str | None = DEFAULT_RELEASE
    release_forms: Words = ()
    exportfilter: Mapping[str, Words] = field(default_factory=dict)
    publishfilter: Words = ()
    constraint: Words = ()
    expandflags: Words = ()
    buildflags: Words = ()
    publishflags: Words = ()
    ignorerebuild: Words = ()
    alsonative: Words = ()
    onlynative: Words = ()
    singleexport: str = ""
    repourl: Words = ()
    registryurl: Words = ()
    assetsurl: Words = ()
    rawmacros: str = ""
    distmacros: Words = ()
    warnings: Words = ()
    parse_error: str = ""

    @property
    def version_rules(self) -> BinaryType:
        """Whose version comparison and dependency rules apply."""
        return "deb" if self.binarytype == "deb" else "rpm"

    def flag(self, kind: str, name: str) -> str | None:
        """Last value of ``name[:value]`` in a flag list; ``""`` without value, None if unset.

        Args:
            kind: ``expand``, ``build`` or ``publish``.
            name: Flag word.
        """
        found = None
        for word, value in self._flags(kind):
            if word == name:
                found = value
        return found

    def flag_values(self, kind: str, name: str) -> list[str]:
        """All values of a repeated flag."""
        return [value for word, value in self._flags(kind) if word == name]

    def _flags(self, kind: str) -> Iterator[tuple[str, str]]:
        lists = {
            "expand": self.expandflags,
            "build": self.buildflags,
            "publish": self.publishflags,
        }
        for word in lists[kind]:
            name, _, value = word.partition(":")
            yield name, value

    def release_for(self, recipe: str) -> str | None:
        """Form of the release number for a recipe kind; None leaves the recipe's own."""
        for form in self.release_forms:
            kind, colon, text = form.partition(":")
            if colon and kind == recipe:
                return text
        return self.release

    def conflicts(self) -> dict[str, list[str]]:
        """Artificial conflicts in both directions; key ``:`` lists names never installed."""
        pairs: dict[str, list[str]] = {}
        for word in self.conflict:
            name, colon, others = word.partition(":")
            if not colon:
                pairs.setdefault(":", []).append(word)
                continue
            for other in others.split(","):
                pairs.setdefault(name, []).append(other)
                pairs.setdefault(other, []).append(name)
        return pairs

    def ignored(self) -> set[str]:
        """``Ignore`` with its lists split: ``x`` and ``requirer:x``."""
        found: set[str] = set()
        for word in self.ignore:
            requirer, colon, others = word.partition(":")
            if colon:
                found.update(f"{requirer}:{other}" for other in others.split(","))
            else:
                found.add(word)
        return found

    def substituted(self, dependencies: Iterable[str]) -> list[str]:
        """Replace direct build requirements; versions are ignored in the match."""
        result: list[str] = []
        for dependency in self._walk(dependencies):
            result.append(dependency)
        return result

    def _walk(self, dependencies: Iterable[str]) -> Iterator[str]:
        # Replacements are looked up again, each text once: loops end.
        waiting, done = list(reversed(list(dependencies))), set[str]()
        while waiting:
            dependency = waiting.pop()
            if dependency in done:
                continue
            done.add(dependency)
            name = _name_of(dependency)
            replacement = self.substitute.get(name)
            if replacement is None or name in replacement:
                yield dependency
            if replacement is not None:
                waiting += reversed(replacement)

    def substituted_versions(self, dependency: str) -> list[str]:
        """One requirement as the build root's installer should see it.

        Members written ``name=`` take over the version condition.
        """
        name = _name_of(dependency)
        replacement = self.substitute.get(name)
        if replacement is None:
            return [dependency]
        condition = dependency[len(name) :]
        carries = self.substitute_versions.get(name, frozenset())
        return [
            dependency if word == name else word + condition if word in carries else word
            for word in replacement
            if not word.startswith("-")
        ]


def _name_of(dependency: str) -> str:
    if dependency.startswith("("):
        return dependency
    return Dependency.parse(dependency).name


def unique(words: Sequence[str]) -> Words:
    """The words without repetitions, first places kept."""
    return tuple(dict.fromkeys(words))
