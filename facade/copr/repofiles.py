"""What package managers ask for to use a project: ``.repo`` files and their JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from storage.errors import UnknownRepository

from . import json as shapes
from .call import Call
from .chroots import chroots_of, split_chroot
from .directories import side_directories
from .lookup import Named, project_of

_RELEASE_VARIABLES = ("fedora", "centos-stream", "opensuse-leap")


def describe(call: Call) -> dict[str, Any]:
    """The repositories of a project as dnf's plugin reads them."""
    with call.records() as unit:
        named = project_of(call, unit)
        places = [named, *side_directories(unit, named)]
    settings = named.settings
    options = {"priority": settings.repo_priority} if settings.repo_priority is not None else {}
    repos: dict[str, Any] = {}
    for chroot in chroots_of(named.project.meta):
        repository, arch = split_chroot(chroot)
        repos.setdefault(repository, {"arch": {}})["arch"][arch] = {"opts": dict(options)}
    return {
        "results_url": f"{call.urls.base}/results",
        "repos": repos,
        "directories": {place.name.dirname: {} for place in places},
        "dependencies": [
            {
                "type": "external_baseurl",
                "opts": {"id": f"coprdep:{handle}", "name": title},
                "data": {"pattern": url},
            }
            for handle, title, url in _dependencies(call, named)
        ],
    }


def repo_file(call: Call) -> str:
    """The ``.repo`` file of a project.

    Raises:
        UnknownRepository: No chroot of the project begins with the asked name.
    """
    named = _found(call)
    wanted = call.argument("name_release")
    matching = [
        chroot
        for chroot in chroots_of(named.project.meta)
        if wanted in (chroot, split_chroot(chroot)[0])
    ]
    if not matching:
        raise UnknownRepository(f"Chroot {wanted} does not exist in {named.name}")
    repository = split_chroot(matching[0])[0]
    return _main_section(call, named, repository) + "".join(
        _section(f"coprdep:{handle}", title, url, ["repo_gpgcheck=0", "gpgcheck=0"])
        for handle, title, url in _dependencies(call, named)
    )


def _found(call: Call) -> Named:
    with call.records() as unit:
        return project_of(call, unit)


def _main_section(call: Call, named: Named, repository: str) -> str:
    host = urlsplit(call.urls.base).hostname or "localhost"
    owner = named.name.owner.replace("@", "group_")
    base = f"{call.urls.project(named.name)}/{_with_variable(repository)}-$basearch/"
    signing = ["gpgcheck=1", f"gpgkey={call.urls.public_key(named.name)}", "repo_gpgcheck=0"]
    if call.house.settings.key_algorithm == "none":
        signing = ["gpgcheck=0", "repo_gpgcheck=0"]
    name = f"Copr repo for {named.name.name} owned by {named.name.owner}"
    text = _section(f"copr:{host}:{owner}:{named.name.name}", name, base, signing)
    if named.settings.repo_priority is not None:
        text += f"priority={named.settings.repo_priority}\n"
    return text


def _section(handle: str, name: str, baseurl: str, signing: Sequence[str]) -> str:
    lines = [
        f"[{handle}]",
        f"name={name}",
        f"baseurl={baseurl}",
        "type=rpm-md",
        "skip_if_unavailable=True",
        *signing,
        "enabled=1",
        "enabled_metadata=1",
    ]
    return "\n".join(lines) + "\n"


def _with_variable(repository: str) -> str:
    """``fedora-42`` serves every release under one address."""
    distribution, _, release = repository.rpartition("-")
    if distribution in _RELEASE_VARIABLES or (distribution == "mageia" and release.isdecimal()):
        return f"{distribution}-$releasever"
    return repository


def _dependencies(call: Call, named: Named) -> list[tuple[str, str, str]]:
    """(identifier, title, URL) of what the project needs at run time."""
    host = urlsplit(call.urls.base).hostname or "localhost"
    found: list[tuple[str, str, str]] = []
    for number, url in enumerate(named.settings.runtime_repos, 1):
        handle = shapes.repository_id(url)
        title = f"Copr {host}/{named.name} external runtime dependency #{number} - {handle}"
        found.append((handle, re.sub(r"\s+", " ", title), url))
    return found
