"""Renders the settings reference page from the settings' own descriptions."""

from __future__ import annotations

import ast
import inspect

from . import settings

_HEAD = """# Settings

`packhouse.toml` (given by `--config` or `PACKHOUSE_CONFIG`) and `PACKHOUSE_*` variables; the
variable of `limits.file_bytes` is `PACKHOUSE_LIMITS__FILE_BYTES`. Unknown keys are errors.
This page is `packhouse admin settings`.

| setting | kind | default | meaning |
| --- | --- | --- | --- |
"""


def settings_page() -> str:
    """The whole reference page, Markdown."""
    meanings = _meanings()
    rows = [
        f"| `{name}` | {kind} | {f'`{default}`' if default else ''} | {meanings[_leaf(name)]} |"
        for name, kind, default in settings.fields()
    ]
    return _HEAD + "\n".join(rows) + "\n"


def _leaf(name: str) -> tuple[str, str]:
    table, _, leaf = name.rpartition(".")
    owner = {"": "Settings", "limits": "Limits", "build": "BuildLimits"}.get(table, "Chroot")
    return owner, leaf


def _meanings() -> dict[tuple[str, str], str]:
    """(class, field) -> the string that stands below the field."""
    found = {}
    for cls in ast.parse(inspect.getsource(settings)).body:
        if not isinstance(cls, ast.ClassDef):
            continue
        for before, after in zip(cls.body, cls.body[1:], strict=False):
            if (
                isinstance(before, ast.AnnAssign)
                and isinstance(before.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
            ):
                found[cls.name, before.target.id] = " ".join(str(after.value.value).split())
    return found
