"""Debian source descriptions: ``.dsc`` files and ``debian.control``."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..prjconf import ProjectConfig, spec_macros
from ..versions import Evr
from .base import SIZE_LIMIT_BYTES, ParsedRecipe, find_by_suffix
from .relations import arch_matches, first_paragraph, plain, relations

_CONTROL = "debian.control"
_SIZE_LIMIT = min(SIZE_LIMIT_BYTES, 1 << 20)
_BUILD_DEPENDS = ("build-depends", "build-depends-indep", "build-depends-arch")
_DROPPED = ("build-conflicts", "build-conflicts-arch", "build-conflicts-indep", "build-ignore")
_DEBIAN_ARCHES = {
    "x86_64": "amd64",
    "i586": "i386",
    "i686": "i386",
    "aarch64": "arm64",
    "armv6l": "armel",
    "armv7l": "armhf",
    "armv7hl": "armhf",
    "ppc64le": "ppc64el",
    "ppc": "powerpc",
}


def debian_arch(arch: str) -> str:
    """Debian's word for a scheduler architecture."""
    return _DEBIAN_ARCHES.get(arch, arch)


def scheduler_arches(debian: str) -> tuple[str, ...]:
    """Scheduler architectures whose packages carry a Debian architecture."""
    return tuple(a for a, d in _DEBIAN_ARCHES.items() if d == debian) or (debian,)


class DscRecipe:
    """Reads Debian source descriptions."""

    kind = "dsc"

    def find(self, files: Collection[str], package: str, repository: str = "") -> str | None:
        """The description to use; ``debian.control`` is the last resort."""
        found = find_by_suffix(files, ".dsc", package, repository)
        return found or (_CONTROL if _CONTROL in files else None)

    def parse(
        self, text: str, config: ProjectConfig, arch: str, *, package: str = "", flavor: str = ""
    ) -> ParsedRecipe:
        """Read the first paragraph; see ``Recipe.parse``."""
        if len(text) > _SIZE_LIMIT:
            return ParsedRecipe(self.kind, error="recipe is too large")
        paragraph = first_paragraph(text)
        if "source" not in paragraph:
            return ParsedRecipe(self.kind, error=f"can not parse name from {package}.dsc")
        profiles = _profiles(config, arch)
        target = debian_arch(config.target.partition("-")[0] or arch)
        version = paragraph.get("version", "").strip()
        evr = Evr.parse(version)
        arches = tuple(paragraph.get("architecture", "").split())
        needed = relations(paragraph, _BUILD_DEPENDS, target, profiles)
        dropped = relations(paragraph, _DROPPED, target, profiles)
        return ParsedRecipe(
            kind=self.kind,
            name=paragraph["source"].strip(),
            epoch="" if evr.epoch == "0" else evr.epoch,
            version=evr.version,
            release=evr.release,
            buildrequires=tuple(dict.fromkeys(" | ".join(map(plain, parts)) for parts in needed)),
            ignores=tuple(dict.fromkeys(part["name"] for parts in dropped for part in parts)),
            subpackages=tuple(paragraph.get("binary", "").replace(",", " ").split()),
            exclusive_arch=() if _builds_on(arches, target) else ("none",),
            build_arches=arches,
            sources=_sources(paragraph),
        )


def _profiles(config: ProjectConfig, arch: str) -> set[str]:
    macro = spec_macros(config, arch).get("deb_build_profiles")
    return set(macro.body.split()) if macro else set()


def _builds_on(words: Collection[str], arch: str) -> bool:
    return not words or any(word == "all" or arch_matches(word, arch) for word in words)


def _sources(paragraph: Mapping[str, str]) -> tuple[str, ...]:
    lines = paragraph.get("files", "").split("\n")
    return tuple(words[2] for line in lines if len(words := line.split()) == 3)
