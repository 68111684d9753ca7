"""Which archives a base root comes from: this machine's own, for its own distribution only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_TYPES = ("deb",)
_OPTION = re.compile(r"\[([^\]]*)\]")
_KEYRING = re.compile(r"(debian|ubuntu)-archive-(keyring|.*)\.(gpg|pgp|asc)$")


def host_release(root: Path = Path("/")) -> dict[str, str]:
    """What ``etc/os-release`` says, by key."""
    try:
        text = (root / "etc/os-release").read_text()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def host_sources(suite: str, root: Path = Path("/")) -> list[str]:
    """One-line style apt sources of this machine that belong to a distribution release.

    Sources of third parties are left out: a source counts when its suite is
    the release itself or its updates, and its key is the distribution's own.

    Args:
        suite: Code name, for example ``bookworm``.
        root: Where ``etc/apt`` is read.
    """
    suites = {suite, f"{suite}-updates", f"{suite}-security", f"{suite}/updates"}
    directory = root / "etc/apt"
    files = [directory / "sources.list", *sorted(directory.glob("sources.list.d/*"))]
    lines: list[str] = []
    for file in files:
        try:
            text = file.read_text(errors="replace")
        except OSError:
            continue
        if file.suffix == ".sources":
            lines += _stanzas(text, suites)
        elif file.suffix == ".list":
            lines += _lines(text, suites)
    return list(dict.fromkeys(lines))


def read_sources(root: Path) -> str:
    """All one-line sources of an unpacked root, as text."""
    files = [root / "etc/apt/sources.list", *sorted(root.glob("etc/apt/sources.list.d/*.list"))]
    found = []
    for file in files:
        if file.is_file() and not file.is_symlink():
            found += [line for line in file.read_text().splitlines() if line.startswith("deb ")]
    for file in sorted(root.glob("etc/apt/sources.list.d/*.sources")):
        if file.is_file() and not file.is_symlink():
            found += list(_stanzas(file.read_text(), None))
    return "".join(line + "\n" for line in found)


def _lines(text: str, suites: set[str]) -> Iterator[str]:
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        options = _OPTION.search(line)
        words = _OPTION.sub(" ", line).split()
        if len(words) < 4 or words[0] not in _TYPES or words[2].rstrip("/") not in suites:
            continue
        settings = dict(
            pair.split("=", 1) for pair in (options[1].split() if options else []) if "=" in pair
        )
        if _own_key(settings.get("signed-by", "")):
            yield line


def _stanzas(text: str, suites: set[str] | None) -> Iterator[str]:
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        key = fields.get("signed-by", "")
        if fields.get("enabled", "yes").lower() == "no" or not _own_key(key):
            continue
        if "deb" not in fields.get("types", "").split():
            continue
        options = f"[signed-by={key}] " if key else ""
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                if suites is None or suite.rstrip("/") in suites:
                    yield f"deb {options}{uri} {suite} {fields.get('components', '')}".rstrip()


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace():
            fields[name] = f"{fields.get(name, '')} {line.strip()}"
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.lower()
            fields[name] = value.strip()
    return fields


def _own_key(path: str) -> bool:
    return not path or _KEYRING.search(path) is not None
