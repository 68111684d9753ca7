"""Spec templates as rpkg renders them: ``{{{ git_dir_version }}}`` and its relatives.

The original runs whatever shell stands between the braces; here the documented
macros are known and anything else is an error. The families ``git_dir_``,
``git_cwd_`` (the spec's directory) and ``git_repo_`` (the whole repository)
share their members.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .checkout import Checkout
from .task import SourceFailed

_MACRO = re.compile(r"\{\{\{(.*?)\}\}\}", re.DOTALL)
_CALL = re.compile(r"git_(dir|cwd|repo)_([a-z_]+)")
_PLAIN = re.compile(r"[\w.+~^-]+")
_MAX_MACROS = 200
_MAX_TAGS = 200


def render(text: str, checkout: Checkout, directory: Path, output: Path) -> str:
    """Replace every macro of a spec.

    Args:
        text: The spec.
        checkout: The working copy.
        directory: Of the spec, inside of the working copy.
        output: Where tarballs that macros make are put.

    Raises:
        SourceFailed: A macro is unknown or cannot be computed.
    """
    if len(_MACRO.findall(text)) > _MAX_MACROS:
        raise SourceFailed(f"the spec holds more than {_MAX_MACROS} template macros")
    trees = {
        "dir": _Tree(checkout, directory),
        "cwd": _Tree(checkout, directory),
        "repo": _Tree(checkout, checkout.directory),
    }

    def replaced(match: re.Match[str]) -> str:
        try:
            words = shlex.split(match.group(1))
        except ValueError:
            words = []
        call = _CALL.fullmatch(words[0]) if words else None
        macro = _MACROS.get(call.group(2)) if call else None
        if call is None or macro is None:
            raise SourceFailed(f"template macro '{match.group(1).strip()[:100]}' is not known here")
        return macro(trees[call.group(1)], _arguments(words[1:]), output)

    return _MACRO.sub(replaced, text)


def _arguments(words: list[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or (value and not _PLAIN.fullmatch(value)):
            raise SourceFailed(f"template argument '{word[:100]}' cannot be used")
        found[name] = value
    return found


@dataclass(frozen=True, slots=True)
class _Version:
    lead: str
    follow: str
    release: str
    commits: int
    short: str

    def __str__(self) -> str:
        base = f"{self.lead}.{self.follow}"
        return base if self.commits == 0 else f"{base}.git.{self.commits}.{self.short}"


@dataclass(frozen=True, slots=True)
class _Tree:
    """One directory of the working copy, as the macros see it."""

    checkout: Checkout
    directory: Path

    @property
    def subtree(self) -> str:
        """The directory relative to the top, empty for the top itself."""
        top = self.checkout.inside("")
        path = self.directory.resolve().relative_to(top).as_posix()
        return "" if path == "." else path

    @property
    def name(self) -> str:
        """Of the repository, or of the directory below its top."""
        name = self.directory.name if self.subtree else self.checkout.name
        if not _PLAIN.fullmatch(name) or name.startswith("-"):
            raise SourceFailed(f"'{name[:100]}' cannot be the name of a package")
        return name

    def version(self, arguments: Mapping[str, str]) -> _Version:
        """By the newest tag ``<name>-<lead>.<follow>-<release>`` that the commit contains."""
        lead = arguments.get("lead") or "0"
        pattern = f"{self.name}-{lead}.*"
        found = self.checkout.git(
            "tag", "--merged", "HEAD", "--sort=-creatordate", "--list", pattern
        ).splitlines()
        short = self.checkout.git("rev-parse", "--short=8", "HEAD")
        tag = re.compile(rf"{re.escape(self.name)}-{re.escape(lead)}\.([\w.+~^]+?)(?:-([\w.]+))?")
        for text in found:
            if match := tag.fullmatch(text):
                count = self._commits(f"{text}..HEAD")
                return _Version(lead, match.group(1), match.group(2) or "1", count, short)
        follow = arguments.get("follow") or "0"
        return _Version(lead, follow, "1", self._commits("HEAD"), short)

    def _commits(self, span: str) -> int:
        return int(self.checkout.git("rev-list", "--count", span, "--", self.subtree or "."))

    def tarball(self) -> str:
        """File name without suffix of the packed directory."""
        return f"{self.name}-{self.checkout.git('rev-parse', '--short=8', 'HEAD')}"


def _name(tree: _Tree, arguments: Mapping[str, str], output: Path) -> str:
    return tree.name


def _version(tree: _Tree, arguments: Mapping[str, str], output: Path) -> str:
    return str(tree.version(arguments))


def _release(tree: _Tree, arguments: Mapping[str, str], output: Path) -> str:
    return tree.version(arguments).release


def _vcs(tree: _Tree, arguments: Mapping[str, str], output: Path) -> str:
    commit = tree.checkout.git("rev-parse", "HEAD")
    return f"git+{tree.checkout.url}#{commit}:{tree.subtree}"


def _pack(tree: _Tree, arguments: Mapping[str, str], output: Path) -> str:
    name = f"{tree.tarball()}.tar.gz"
    target = output / name
    if not target.exists():
        treeish = f"HEAD:{tree.subtree}" if tree.subtree else "HEAD"
        options = ["--format=tar.gz", f"--prefix={tree.name}/", f"--output={target}"]
        tree.checkout.git("archive", *options, treeish)
    return name


def _setup(tree: _Tree, arguments: Mapping[str, str], output: Path) -> str:
    return f"%setup -T -b 0 -q -n {tree.name}"


def _changelog(tree: _Tree, arguments: Mapping[str, str], output: Path) -> str:
    """One entry per annotated tag of the package, newest first."""
    form = "%(objecttype)%09%(refname:strip=2)%09%(taggerdate:unix)%09%(taggername) %(taggeremail)"
    listed = tree.checkout.git(
        "for-each-ref",
        "--merged=HEAD",
        "--sort=-creatordate",
        f"--count={_MAX_TAGS}",
        f"--format={form}",
        f"refs/tags/{tree.name}-*",
    )
    entries: list[str] = []
    for line in listed.splitlines():
        kind, tag, when, who = line.split("\t", 3)
        if kind == "tag":
            day = time.strftime("%a %b %d %Y", time.gmtime(int(when)))
            body = tree.checkout.git("tag", "--list", "--format=%(contents:body)", tag)
            version = tag.removeprefix(f"{tree.name}-")
            entries.append(f"* {day} {who} {version}\n{body}".replace("%", "%%").rstrip())
    return "\n\n".join(entries)


_MACROS: dict[str, Callable[[_Tree, Mapping[str, str], Path], str]] = {
    "name": _name,
    "version": _version,
    "release": _release,
    "vcs": _vcs,
    "pack": _pack,
    "setup_macro": _setup,
    "changelog": _changelog,
}
