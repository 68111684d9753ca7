"""Which Debian package stands for a name from the RPM world.

The lists of a distribution do not say which libraries or modules a package that is
not installed contains; its naming policy does, for nearly all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_LIBRARY = re.compile(r"([^()\s]+)\.so(?:\.([^()\s]+))?(?:\([^)]*\))?(?:\(64bit\))?")
_MODULE = re.compile(r"pkgconfig\(([^)]+)\)")
_PERL = re.compile(r"perl\(([\w:]+)\)")
_PYTHON = re.compile(r"python3(?:\.\d+)?dist\(([^)]+)\)")
_LOADER = ("rtld(GNU_HASH)", "ld-linux")


def library_of(dependency: str) -> str | None:
    """The shared library a dependency means, as ``libz.so.1()(64bit)``; None for others."""
    match = _LIBRARY.fullmatch(dependency)
    if match is None:
        return None
    version = f".{match[2]}" if match[2] else ""
    return f"{match[1]}.so{version}()(64bit)"


def is_of_the_system(dependency: str) -> bool:
    """Whether rpm generated the dependency from a file's contents, so no list names it."""
    return (
        dependency.startswith(_LOADER)
        or library_of(dependency) is not None
        or dependency.startswith(("perl(", "python(abi)"))
        or _PYTHON.fullmatch(dependency) is not None
    )


def candidates(dependency: str) -> list[str]:
    """Names of packages that should have it, the likeliest first."""
    return list(dict.fromkeys(_candidates(dependency)))


def _candidates(dependency: str) -> Iterator[str]:
    if dependency.startswith(_LOADER):
        yield "libc6"
    elif match := _LIBRARY.fullmatch(dependency):
        yield from _library(match[1], match[2] or "")
    elif match := _MODULE.fullmatch(dependency):
        yield from _module(match[1])
    elif match := _PERL.fullmatch(dependency):
        yield f"lib{match[1].lower().replace('::', '-').replace('_', '-')}-perl"
        yield "perl"
    elif match := _PYTHON.fullmatch(dependency):
        yield f"python3-{match[1].lower().replace('_', '-').partition('[')[0]}"


def _library(name: str, version: str) -> Iterator[str]:
    """``libfoo.so.3`` is in libfoo3, ``libfoo2.so.1`` in libfoo2-1."""
    plain = name.lower().replace("_", "-")
    separator = "-" if plain[-1:].isdigit() and version else ""
    for number in dict.fromkeys((version, version.partition(".")[0])):
        yield f"{plain}{separator}{number}"
        yield f"{plain}{separator}{number}t64"
        # libglib-2.0.so.0 is in libglib2.0-0.
        squeezed = re.sub(r"-(\d[\d.]*)$", r"\1", plain)
        yield f"{squeezed}{separator}{number}"
        yield f"{squeezed}{separator}{number}t64"
    yield plain
    if plain in ("libcrypto", "libssl"):
        yield f"libssl{version}"


def _module(name: str) -> Iterator[str]:
    """``foo-1.0`` is in libfoo1.0-dev or libfoo-1.0-dev, ``libfoo`` in libfoo-dev."""
    plain = name.lower().replace("_", "-")
    stem = plain.removeprefix("lib")
    squeezed = re.sub(r"-(\d[\d.]*)$", r"\1", stem)
    unversioned = re.sub(r"-?\d[\d.]*$", "", stem)
    major = re.sub(r"-(\d+)[\d.]*$", r"\1", stem)
    for word in dict.fromkeys((stem, squeezed, major, unversioned)):
        yield f"lib{word}-dev"
        yield f"{word}-dev"
