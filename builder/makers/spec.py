"""RPM spec files, built by rpmbuild."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from storage.errors import InvalidContent

from ..artifacts import Place
from ..chroots.base import HOME
from .base import Command, Making
from .release import rewrite

_TOP = "rpmbuild"
_MISSING_EXIT = 11  # rpmbuild: build requirements are not met
_MISSING_LINE = re.compile(r"^\s*(\S.*? is needed by \S+)\s*$", re.MULTILINE)
_CHANGELOG = re.compile(r"^%changelog\s*\n\s*\*", re.MULTILINE)
_CONDITION = re.compile(r"[A-Za-z0-9_]+")
_SPEC_BYTES = 16 << 20


class SpecMaker:
    """``rpmbuild -ba`` with its requirements really checked."""

    needs_rpm = True
    sources = f"{_TOP}/SOURCES"
    places = (
        Place(f"{_TOP}/RPMS", re.compile(r".*\.rpm"), subdirectories=True),
        Place(f"{_TOP}/SRPMS", re.compile(r".*\.rpm")),
        Place(f"{_TOP}/OTHER", re.compile(r"[^_].*")),
    )

    def prepare(self, making: Making) -> Command:
        """Write the macros, set the release, and give the rpmbuild command."""
        job = making.job
        path = making.home / self.sources / job.recipe
        if path.stat().st_size > _SPEC_BYTES:
            raise InvalidContent(f"{job.recipe} is too large for a spec file")
        text = path.read_bytes().decode("utf-8", errors="surrogateescape")
        wanted = rewrite(text, job.install.get("release"), job.versrel, job.bcnt)
        if wanted != text:
            path.write_bytes(wanted.encode("utf-8", errors="surrogateescape"))
        for name in ("BUILD", "BUILDROOT", "RPMS", "SRPMS", "SPECS", "OTHER"):
            (making.home / _TOP / name).mkdir(parents=True, exist_ok=True)
        macros = str(job.install.get("macros") or "")
        (making.home / ".rpmmacros").write_text(macros.rstrip("\n") + "\n")
        line = ["rpmbuild", "-ba"]
        for name, value in self._defines(making):
            line += ["--define", f"{name} {value}"]
        line += list(_conditions(making))
        env = {"RPM_BUILD_NCPUS": str(making.processors)}
        if not _CHANGELOG.search(text) and making.time:
            env["SOURCE_DATE_EPOCH"] = str(making.time)
        return Command([*line, "--", f"{HOME}/{self.sources}/{job.recipe}"], env)

    def missing(self, exit_code: int, output: str) -> str:
        """The unmet build requirements rpmbuild listed."""
        if exit_code != _MISSING_EXIT:
            return ""
        return ", ".join(dict.fromkeys(_MISSING_LINE.findall(output)))[:1000]

    def _defines(self, making: Making) -> Iterator[tuple[str, str]]:
        yield "_topdir", f"{HOME}/{_TOP}"
        yield "_buildhost", "build"
        yield "source_date_epoch_from_changelog", "1"
        yield "use_source_date_epoch_as_buildtime", "1"
        yield "clamp_mtime_to_source_date_epoch", "1"
        if making.disturl:
            yield "disturl", making.disturl
        vendor = str(making.job.install.get("vendor") or "")
        if vendor:
            yield "vendor", _single_line(vendor)
        optflags = str(making.job.install.get("optflags") or "")
        if optflags:
            yield "optflags", _single_line(optflags)


def _conditions(making: Making) -> Iterator[str]:
    """``--with`` and ``--without`` of the job's options."""
    for option in ("with", "without"):
        words: Sequence[str] = making.job.options.get(f"{option}_opts") or ()
        for word in words:
            if _CONDITION.fullmatch(str(word)):
                yield f"--{option}={word}"


def _single_line(text: str) -> str:
    return " ".join(text.split())
