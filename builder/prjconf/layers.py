"""Combination of configurations along a repository path.

Contract: the text is what ``GET /build/P/R/_buildconfig`` serves, byte for byte
(build semantics, section 1.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .lines import MACROS_END, MACROS_START


@dataclass(frozen=True, slots=True)
class Layer:
    """One element of the search path with its project's ``_config``."""

    project: str
    repository: str
    text: str


def combined(
    project: str,
    repository: str,
    layers: Sequence[Layer],
    *,
    instance: str,
    vendor: str = "",
    download_url: str = "",
) -> str:
    """The configuration of a repository together with all its bases.

    Args:
        project: The building project.
        repository: Its repository.
        layers: Search path, own repository first.
        instance: Name of this house in ``%vendor``.
        vendor: Nearest project upwards with a signing key; the project itself when empty.
        download_url: Public address of published trees, if there is one.
    """
    text = [f"%define _project {project}\n"]
    macros = f"%vendor obs://{instance}/{vendor or project}\n"
    if download_url:
        macros += f"%_download_url {download_url}\n"
    macros += f"%_project {project}\n"
    last_with_block = ""
    distribution = project if repository == "standard" else f"{project} / {repository}"
    for layer in reversed(layers):
        if (layer.project, layer.repository) == (project, repository):
            macros += f"\n%distribution {distribution}\n%_project {project}\n"
        text.append(f"\n### from {layer.project}\n%define _repository {layer.repository}\n")
        ended, rest = _split_ended(layer.text)
        if ended:
            macros += f"\n### from {layer.project}\n\n%_repository {layer.repository}\n"
            text.append(f"\nMacros:\n{macros}:Macros\n\n{ended}")
            macros, last_with_block = "", layer.repository
        directives, block = _split_trailing(rest)
        text.append(directives)
        if block is not None:
            macros += f"\n### from {layer.project}\n%_repository {layer.repository}\n{block}"
            last_with_block = layer.repository
    if last_with_block != repository:
        macros += f"\n### from {project}\n%_repository {repository}\n"
    text.append(f"\nMacros:\n{macros}")
    return "".join(text)


def _split_ended(text: str) -> tuple[str, str]:
    """Everything up to the last ``:Macros`` line, and the rest."""
    lines = text.split("\n")
    for index in range(len(lines) - 1, -1, -1):
        if MACROS_END.fullmatch(lines[index]):
            ended = "\n".join(lines[: index + 1])
            return ended, text[len(ended) :]
    return "", text


def _split_trailing(text: str) -> tuple[str, str | None]:
    """Directives, and the macro block that nothing ends (None: there is no block)."""
    lines = text.split("\n")
    for index in range(len(lines) - 2, -1, -1):
        if MACROS_START.fullmatch(lines[index]):
            before = "".join(f"{line}\n" for line in lines[:index])
            return before, "\n".join(lines[index + 1 :])
    return text, None
