"""What the packages of a base root provide beyond their names: programs, modules, libraries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

_PROGRAM = re.compile(r"/(?:usr/)?s?bin/[^/]+")
_MODULE = re.compile(r"/usr/(?:lib(?:/[^/]+)?|share)/pkgconfig/([^/]+)\.pc")
_PERL = re.compile(
    r"/usr/(?:share/perl(?:5|/[0-9.]+)|lib/[^/]+/perl(?:5|/[0-9.]+|-base)(?:/[0-9.]+)?)/(.+)\.pm"
)
_SHLIBS = re.compile(r"(?:deb:\s*)?(\S+) (\S+) (\S+)")
_VERSION = re.compile(r"^Version *:(.*)$", re.MULTILINE)
_VARIABLE = re.compile(r"^([A-Za-z_][A-Za-z_0-9]*)=(.*)$", re.MULTILINE)
_USE = re.compile(r"\$\{([A-Za-z_][A-Za-z_0-9]*)\}")
_FILE_LIMIT_BYTES = 1 << 20


def root_provides(lowers: Sequence[Path]) -> dict[str, list[str]]:
    """Capabilities by package name of everything installed in a root.

    Args:
        lowers: Directories stacked into the root, topmost first.
    """
    found: dict[str, list[str]] = {}
    info = next((d for lower in lowers if (d := lower / "var/lib/dpkg/info").is_dir()), None)
    if info is None:
        return found
    for path in sorted(info.glob("*.list")):
        name = path.stem.partition(":")[0]
        text = path.read_text(errors="replace")
        found.setdefault(name, []).extend(_of_files(text.split("\n"), lowers))
    for path in sorted(info.glob("*.shlibs")):
        for match in _SHLIBS.finditer(path.read_text(errors="replace")):
            if not path.read_text(errors="replace").startswith("udeb:", match.start()):
                library = _soname(match[1], match[2])
                found.setdefault(match[3], []).append(library)
    return found


def _of_files(files: Sequence[str], lowers: Sequence[Path]) -> Iterator[str]:
    for file in files:
        if _PROGRAM.fullmatch(file):
            yield file
            # Debian's roots have /bin as a link to /usr/bin: both names work.
            yield file.removeprefix("/usr") if file.startswith("/usr/") else f"/usr{file}"
        elif match := _MODULE.fullmatch(file):
            version = _module_version(file, lowers)
            yield f"pkgconfig({match[1]})" + (f" = {version}" if version else "")
        elif match := _PERL.fullmatch(file):
            yield f"perl({match[1].replace('/', '::')})"


def _soname(library: str, version: str) -> str:
    """``libz 1`` is libz.so.1; ``libpython 3.11`` style names keep their version in front."""
    return f"{library}.so.{version}()(64bit)"


def _module_version(file: str, lowers: Sequence[Path]) -> str:
    """``Version:`` of a pkg-config file, its variables replaced."""
    path = next((p for lower in lowers if (p := lower / file.lstrip("/")).is_file()), None)
    if path is None or path.stat().st_size > _FILE_LIMIT_BYTES:
        return ""
    text = path.read_text(errors="replace")
    match = _VERSION.search(text)
    variables = dict(_VARIABLE.findall(text))
    version = match[1].strip() if match else ""
    for _ in range(5):
        version = _USE.sub(lambda use: variables.get(use[1], ""), version)
    return version if re.fullmatch(r"[\w.+~:-]+", version) else ""
