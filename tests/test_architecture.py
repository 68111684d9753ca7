"""The import arrows of docs/architecture.md, proven from the source itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from facade.reference import settings_page

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("storage", "builder", "hooks", "facade")
MAY_IMPORT = {
    "storage": set(),
    "builder": {"storage"},
    "hooks": {"storage"},
    "facade": {"storage", "builder", "hooks"},
}
ONLY_IN = {
    "lxml": ("facade/obs/",),
    "rq": ("builder/queue", "builder/worker"),
    "dulwich": ("storage/git/", "facade/git/"),
    "sqlalchemy": ("storage/records/",),
    "alembic": ("storage/records/",),
    "flask": ("facade/",),
    "werkzeug": ("facade/",),
    "gunicorn": ("facade/serve/",),
}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path, tree: ast.Module) -> Iterator[str]:
    """Absolute dotted names that a module imports."""
    package = list(path.relative_to(ROOT).with_suffix("").parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = package[: len(package) - node.level + 1]
                yield ".".join([*base, *(node.module or "").split(".")]).rstrip(".")
            else:
                yield node.module or ""


def test_rooms_import_only_along_the_arrows():
    broken = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, tree in modules()
        for name in imported(path, tree)
        if (room := path.relative_to(ROOT).parts[0]) != (top := name.split(".")[0])
        and top in ROOMS
        and top not in MAY_IMPORT[room]
    ]
    assert broken == []


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_a_library_is_imported_only_in_its_place(library):
    broken = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, tree in modules()
        for name in imported(path, tree)
        if name.split(".")[0] == library
        and not str(path.relative_to(ROOT)).startswith(ONLY_IN[library])
    ]
    assert broken == []


def test_copr_field_names_stay_in_the_copr_door():
    words = re.compile(r"\b(projectname|ownername|project_dirname)\b")
    broken = [
        str(path.relative_to(ROOT))
        for path, _ in modules()
        if not str(path.relative_to(ROOT)).startswith("facade/copr/")
        and words.search(path.read_text(encoding="utf-8"))
    ]
    assert broken == []


def test_nothing_imports_contrib_or_tests():
    broken = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, tree in modules()
        for name in imported(path, tree)
        if name.split(".")[0] in ("contrib", "tests")
    ]
    assert broken == []


def test_modules_can_be_read_in_one_sitting():
    long = {
        str(path.relative_to(ROOT)): lines
        for path, _ in modules()
        if "migrations" not in path.parts
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert long == {}


def test_the_settings_page_lists_every_setting_as_it_is():
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == settings_page()


def test_every_runtime_dependency_has_its_decision():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[(.*?)^\]", text, re.S | re.M)
    assert block
    decisions = " ".join(
        path.read_text(encoding="utf-8").lower() for path in (ROOT / "docs/decisions").glob("*.md")
    )
    names = re.findall(r'"([a-z0-9-]+)', block.group(1))
    assert [name for name in names if name not in decisions] == []
