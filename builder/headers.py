"""Result files described for the index: what kind of package, and what its header says."""

from __future__ import annotations

from pathlib import Path

from storage.errors import InvalidContent
from storage.model import JsonObject

from .publishers.debcontrol import read_control
from .rpmheader import DEPENDENCY_TAGS, read_rpm

_NAME, _VERSION, _RELEASE, _EPOCH = 1000, 1001, 1002, 1003
_SUMMARY, _DESCRIPTION, _BUILDTIME = 1004, 1005, 1006
_LICENSE, _GROUP, _URL, _ARCH = 1014, 1016, 1020, 1022
_SOURCERPM, _DISTURL = 1044, 1123
_TEXT_BYTES = 64 << 10
_DEB_RELATIONS = (
    ("provides", ("Provides",)),
    ("requires", ("Pre-Depends", "Depends")),
    ("conflicts", ("Conflicts", "Breaks")),
    ("obsoletes", ("Replaces",)),
    ("recommends", ("Recommends",)),
    ("suggests", ("Suggests",)),
)


def describe(path: Path) -> JsonObject:
    """The header of a package file as the index keeps it; empty for other files.

    Raises:
        InvalidContent: It calls itself a package and is none.
    """
    if path.suffix == ".rpm":
        return _describe_rpm(path)
    if path.suffix in (".deb", ".udeb", ".ddeb"):
        return _describe_deb(path)
    return {}


def _describe_rpm(path: Path) -> JsonObject:
    with path.open("rb") as stream:
        header = read_rpm(stream)
    sourcerpm = header.text(_SOURCERPM)
    epoch = header.numbers(_EPOCH)
    facts: JsonObject = {
        "type": "rpm",
        "name": header.text(_NAME),
        "epoch": str(epoch[0]) if epoch else "",
        "version": header.text(_VERSION),
        "release": header.text(_RELEASE),
        # A source package's header names the machine it was made on.
        "arch": header.text(_ARCH) if sourcerpm else _source_arch(path),
        "source": sourcerpm.rsplit("-", 2)[0] if sourcerpm else header.text(_NAME),
        "sourcerpm": sourcerpm,
        "summary": header.text(_SUMMARY)[:_TEXT_BYTES],
        "description": header.text(_DESCRIPTION)[:_TEXT_BYTES],
        "license": header.text(_LICENSE),
        "url": header.text(_URL),
        "group": header.text(_GROUP),
        "disturl": header.text(_DISTURL),
        "buildtime": next(iter(header.numbers(_BUILDTIME)), 0),
        "hdrmd5": header.hdrmd5,
        "fingerprint": header.fingerprint(),
    }
    if not facts["name"] or not facts["version"] or not facts["release"]:
        raise InvalidContent(f"{path.name} has no name, version or release")
    for name, *tags in DEPENDENCY_TAGS:
        facts[name] = header.dependencies(*tags)
    return facts


def _source_arch(path: Path) -> str:
    return "nosrc" if path.name.endswith(".nosrc.rpm") else "src"


def _describe_deb(path: Path) -> JsonObject:
    control = read_control(path)
    epoch, colon, rest = control["Version"].strip().partition(":")
    if not colon:
        epoch, rest = "", epoch
    version, _, release = rest.rpartition("-") if "-" in rest else (rest, "", "")
    summary, _, description = control.get("Description", "").partition("\n")
    source = control.get("Source", control["Package"]).split()
    facts: JsonObject = {
        "type": "deb",
        "name": control["Package"].strip(),
        "epoch": epoch,
        "version": version,
        "release": release,
        "arch": control["Architecture"].strip(),
        "source": source[0] if source else "",
        "summary": summary.strip()[:_TEXT_BYTES],
        "description": description[:_TEXT_BYTES],
        "url": control.get("Homepage", ""),
        "group": control.get("Section", ""),
    }
    for name, fields in _DEB_RELATIONS:
        words = ",".join(control.get(field, "") for field in fields).split(",")
        facts[name] = [" ".join(word.split()) for word in words if word.strip()]
    own = f"{facts['name']} (= {control['Version'].strip()})"
    facts["provides"] = [own, *facts["provides"]]
    return facts
