"""Text of a project configuration to its meaning."""

from __future__ import annotations

from .config import ProjectConfig
from .directives import Builder
from .lines import Reader
from .macros import Macros, predefined

_SIZE_LIMIT = 4 << 20
"""Characters read of a combined configuration."""


def parse_config(text: str, arch: str) -> ProjectConfig:
    """Read a (combined) configuration for one scheduler architecture.

    Never fails: what cannot be understood is in ``warnings`` and ``parse_error``.

    Args:
        text: The configuration as ``combined`` makes it, or a single ``_config``.
        arch: Value of ``_target_cpu``.
    """
    reader = Reader(predefined(arch))
    builder = Builder()
    if len(text) > _SIZE_LIMIT:
        reader.error = "configuration too large"
        text = text[:_SIZE_LIMIT]
    for line in reader.read(text):
        if line.block:
            builder.block(line.text)
        else:
            builder.line(line.text)
    return builder.finish(reader.error)


def spec_macros(config: ProjectConfig, arch: str) -> Macros:
    """The macros a spec file sees: the macro sections, not the configuration's own.

    ``Target`` changes ``_target_cpu``; conditions inside the sections are evaluated.
    """
    macros = predefined(arch)
    if config.target:
        macros.define("_target_cpu", config.target.partition("-")[0])
    for word in config.distmacros:
        name, _, body = word.partition(" ")
        macros.define(name, body)
    for _ in Reader(macros).read(_as_definitions(config.rawmacros)):
        pass
    return macros


_STATEMENTS = ("if", "else", "elif", "endif", "define ", "global ", "undefine ", "dnl")


def _as_definitions(rawmacros: str) -> str:
    """Write ``%name value`` lines as definitions."""
    lines: list[str] = []
    continued = False
    for line in rawmacros.split("\n"):
        if line.startswith("%") and not continued and not line[1:].startswith(_STATEMENTS):
            lines.append(f"%define {line[1:]}")
        else:
            lines.append(line)
        continued = line.endswith("\\")
    return "\n".join(lines)
