"""Files that users put into their package manager's configuration."""

from __future__ import annotations

import re

from .base import RepositoryFacts

_NAME_LIMIT_BYTES = 255
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def one_line(text: str) -> str:
    """``text`` without anything that could begin a second line."""
    return _CONTROL.sub(" ", text).strip()


def section_name(project: str) -> str:
    """Name of a project's section: ``home:anna`` gives ``home_anna``."""
    return one_line(project).replace(":", "_").replace("[", "(").replace("]", ")")


def repo_file_name(facts: RepositoryFacts) -> str:
    """``home:anna.repo``, as zypper's users know it."""
    return _file_name(facts, "repo")


def repo_file(facts: RepositoryFacts) -> bytes:
    """Configuration for zypper and dnf (build semantics, section 6.2)."""
    lines = [
        f"[{section_name(facts.project)}]",
        f"name={one_line(facts.title)} ({one_line(facts.repository)})",
        "type=rpm-md",
        f"baseurl={facts.url}",
    ]
    if facts.key is not None:
        lines += [
            "# The metadata is signed as well; zypper checks that by itself, dnf with",
            "# repo_gpgcheck=1",
            "gpgcheck=1",
            f"gpgkey={facts.url}repodata/repomd.xml.key",
        ]
    else:
        lines += ["gpgcheck=0"]
    return "\n".join([*lines, "enabled=1", ""]).encode()


def sources_file_name(facts: RepositoryFacts) -> str:
    """``home:anna.sources``."""
    return _file_name(facts, "sources")


def sources_file(facts: RepositoryFacts) -> bytes:
    """Configuration for apt in deb822 form, with the key that may sign this repository only."""
    lines = ["Types: deb deb-src", f"URIs: {facts.url}", "Suites: ./"]
    if facts.key is not None:
        lines.append("Signed-By:")
        for line in facts.key.armored.strip().splitlines():
            lines.append(f" {line}" if line.strip() else " .")
    else:
        lines.append("Trusted: yes")
    return "\n".join([*lines, ""]).encode()


def _file_name(facts: RepositoryFacts, suffix: str) -> str:
    name = f"{facts.project}.{suffix}"
    return name if len(name.encode()) <= _NAME_LIMIT_BYTES else f"packages.{suffix}"
