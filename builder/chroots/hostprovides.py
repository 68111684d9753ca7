"""What a Debian root offers, said in rpm's words.

One package without files, put into the root's rpm database, provides every
installed deb, executable, library symbol version and pkg-config module. With it
rpm and rpmbuild check requirements for real on a Debian base.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

NAME = "packhouse-host-provides"

# Output of the collecting script, one record a line: a letter, a space, a value.
COLLECT = r"""
dpkg-query -W -f 'D ${db:Status-Abbrev}\t${Package}\t${Version}\t${Provides}\n'
for d in /usr/bin /usr/sbin /bin /sbin; do
  for f in "$d"/*; do [ -x "$f" ] && printf 'X %s\n' "$f"; done
done
for f in /usr/lib/pkgconfig/*.pc /usr/lib/*/pkgconfig/*.pc /usr/share/pkgconfig/*.pc; do
  [ -f "$f" ] || continue
  printf 'F %s\n' "$f"
  grep -aE '^(Version *:|[A-Za-z_][A-Za-z_0-9]*=)' "$f" | sed 's/^/P /'
done
for d in /usr/share/perl /usr/share/perl5 /usr/lib/*/perl /usr/lib/*/perl5 /usr/lib/*/perl-base; do
  [ -d "$d" ] && (cd "$d" && find -L . -name '*.pm' -type f | sed 's/^/M /')
done
for d in /usr/lib/python3/dist-packages; do
  [ -d "$d" ] && ls "$d" | sed -n 's/^\(.*\)\.\(egg-info\|dist-info\)$/E \1/p'
done
for f in /usr/bin/python3.[0-9]*; do printf 'Y %s\n' "$f"; done
if [ -x /usr/lib/rpm/elfdeps ]; then
  find -L /usr/lib /lib -maxdepth 3 -name '*.so*' -type f -size +0 2>/dev/null |
    /usr/lib/rpm/elfdeps --provides 2>/dev/null | sed 's/^/L /'
fi
exit 0
"""

_CAPABILITY = re.compile(r"[A-Za-z0-9_/(][^\s,<>=]*")
_VERSION = re.compile(r"[A-Za-z0-9._+~^:-]+")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z_0-9]*)\}")
_PERL_DIRECTORY = re.compile(r"^\./(5\.[0-9.]+/)?")
_PYTHON = re.compile(r"/usr/bin/python(3\.[0-9]+)")
_EGG = re.compile(r"([A-Za-z0-9_.]+)-([0-9][A-Za-z0-9.+!]*)")


@dataclass(slots=True)
class _Found:
    """What the collecting script printed, taken apart."""

    installed: dict[str, str] = field(default_factory=dict)
    provides: dict[str, str] = field(default_factory=dict)

    def add(self, capability: str, version: str = "") -> None:
        if not _CAPABILITY.fullmatch(capability) or "%" in capability or len(capability) > 255:
            return
        if version and not _VERSION.fullmatch(version):
            version = ""
        if version or capability not in self.provides:
            self.provides[capability] = version


def provides(output: str, extra: Iterable[tuple[str, Sequence[str]]] = ()) -> dict[str, str]:
    """Capabilities and their versions (empty: none) from the collecting script's output.

    Args:
        output: What ``COLLECT`` printed; untrusted, lines that make no sense are skipped.
        extra: Further names and the debs that must all be there for each
            (``Substitute`` of a project configuration).
    """
    found = _Found()
    found.add("rtld(GNU_HASH)")
    module: dict[str, str] = {}
    module_name = python = ""
    for line in output.splitlines():
        kind, _, value = line.partition(" ")
        if kind == "D":
            _add_deb(found, value)
        elif kind == "X":
            _add_executable(found, value)
        elif kind == "F":
            module, module_name = {}, value.rpartition("/")[2].removesuffix(".pc")
        elif kind == "P":
            _add_module(found, module_name, module, value)
        elif kind == "M":
            name = _PERL_DIRECTORY.sub("", value).removesuffix(".pm").replace("/", "::")
            found.add(f"perl({name})")
        elif kind == "Y" and (match := _PYTHON.fullmatch(value)):
            python = match[1]
            found.add("python(abi)", python)
        elif kind == "E":
            _add_egg(found, value)
        elif kind == "L":
            found.add(value.strip())
    for name, debs in extra:
        if debs and all(deb in found.installed for deb in debs):
            found.add(name, _rpm_version(found.installed[debs[0]]))
    if python:
        for name, version in list(found.provides.items()):
            if name.startswith("python3dist("):
                found.add(f"python{python}dist({name[12:]}", version)
    return found.provides


def spec(capabilities: dict[str, str]) -> str:
    """The spec file of the package that provides all this."""
    lines = [
        f"Name: {NAME}",
        "Version: 1",
        "Release: 1",
        "Summary: What the distribution's packages offer",
        "License: MIT",
        "BuildArch: noarch",
        "AutoReqProv: no",
    ]
    for name, version in sorted(capabilities.items()):
        lines.append(f"Provides: {name} = {version}" if version else f"Provides: {name}")
    return "\n".join([*lines, "%description", "Synthetic.", "%files", ""])


def _add_deb(found: _Found, value: str) -> None:
    fields = value.split("\t")
    if len(fields) != 4 or not fields[0].startswith(("ii", "hi")):
        return
    _, name, version, virtual = fields
    found.installed[name] = version
    found.add(name, _rpm_version(version))
    for part in virtual.split(","):
        offered, _, rest = part.strip().partition(" ")
        if offered:
            found.add(offered.partition(":")[0], _rpm_version(rest.strip("()= ")))


def _add_executable(found: _Found, path: str) -> None:
    found.add(path)
    if path.startswith("/usr/") and path.count("/") == 3:
        found.add(path.removeprefix("/usr"))


def _add_module(found: _Found, name: str, variables: dict[str, str], line: str) -> None:
    if re.match(r"Version *:", line):
        version = line.partition(":")[2].strip()
        for _ in range(5):
            version = _VARIABLE.sub(lambda m: variables.get(m[1], ""), version)
        found.add(f"pkgconfig({name})", version.replace("-", "_"))
    elif "=" in line:
        key, _, text = line.partition("=")
        variables[key.strip()] = text.strip()


def _add_egg(found: _Found, value: str) -> None:
    match = _EGG.match(value)
    if match:
        name = re.sub(r"[-_.]+", "-", match[1]).lower()
        found.add(f"python3dist({name})", match[2].replace("!", ":"))


def _rpm_version(version: str) -> str:
    """A Debian version as rpm's ``[epoch:]version[-release]``; only the last dash may stay."""
    upstream, dash, revision = version.rpartition("-")
    return f"{upstream.replace('-', '_')}-{revision}" if dash else version
