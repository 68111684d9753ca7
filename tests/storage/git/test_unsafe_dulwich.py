"""The parts of dulwich that lose commits, jam or corrupt cannot be reached.

Which ones and why: docs/decisions/0001-what-replaces-unsafe-dulwich.md.
"""

from __future__ import annotations

import ast
import importlib
import io
from pathlib import Path
from typing import Any

import pytest

import storage
from storage.git.pktline import FLUSH, packet
from storage.git.refs import MAIN
from storage.git.wire_dulwich import DulwichFetchServer

from .houses import ANNA, READERS, SmallHouse, fsck_is_clean
from .pushing import clone

ROOT = Path(storage.__file__).parent.parent
ROOMS = ("storage", "hooks", "facade", "builder")

UNSAFE = {
    # refs: values read before locking, results of compare-and-swap discarded
    "dulwich.refs": {
        "DiskRefsContainer": (
            "set_if_equals",
            "add_if_new",
            "remove_if_equals",
            "set_symbolic_ref",
            "pack_refs",
            "add_packed_refs",
        ),
    },
    # objects: <name>.lock files that outlive a kill, no fsync, deltas dropped
    "dulwich.object_store": {
        "DiskObjectStore": (
            "add_object",
            "write_commit_graph",
            "write_midx",
            "delete_loose_object",
            "prune",
        ),
        "PackBasedObjectStore": ("repack", "pack_loose_objects", "add_objects", "add_pack_data"),
    },
    "dulwich.gc": {"": ("garbage_collect", "prune_unreachable_objects", "maybe_auto_gc")},
    # quadratic
    "dulwich.protocol": {"Protocol": ("write_sideband",)},
    # acknowledges pushes that were lost; no closure check
    "dulwich.server": {"ReceivePackHandler": ("__init__", "handle", "_apply_pack")},
    # collects whole files in memory
    "dulwich.lfs": {"LFSStore": ("write_object", "open_object")},
    "dulwich.repo": {"Repo": ("__init__",), "BaseRepo": ("get_worktree",)},
}
NAMES = {
    name
    for classes in UNSAFE.values()
    for owner, methods in classes.items()
    for name in (owner, *methods)
    if name and not name.startswith("__")
} - {"DiskObjectStore", "Protocol", "BaseRepo", "PackBasedObjectStore", "prune"} | {
    "porcelain",
    "LFSStore",
    "do_commit",
    "init_bare",
    "HTTPGitApplication",
    "make_wsgi_chain",
}


def modules() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imports_dulwich(tree: ast.AST) -> bool:
    for node in ast.walk(tree):
        found = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            found = [node.module or ""]
        if any(name.split(".")[0] == "dulwich" for name in found):
            return True
    return False


def test_no_module_that_knows_dulwich_names_an_unsafe_part_of_it() -> None:
    found = []
    for path in modules():
        tree = ast.parse(path.read_text())
        if not imports_dulwich(tree):
            continue
        for node in ast.walk(tree):
            name = getattr(node, "attr", None) or getattr(node, "id", None)
            if isinstance(node, ast.alias):
                name = node.name.split(".")[-1]
            if name in NAMES:
                found.append(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} {name}")
    assert found == []


def test_dulwich_modules_that_only_hold_unsafe_parts_are_not_imported() -> None:
    banned = ("dulwich.gc", "dulwich.lfs", "dulwich.porcelain", "dulwich.web", "dulwich.worktree")
    found = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(banned):
                found.append(f"{path}: {node.module}")
            if isinstance(node, ast.Import):
                found += [f"{path}: {a.name}" for a in node.names if a.name.startswith(banned)]
    assert found == []


@pytest.fixture
def armed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every unsafe part blows up when touched."""

    def trap(name: str) -> Any:
        def blow_up(*_: object, **__: object) -> None:
            raise AssertionError(f"unsafe: {name}")

        return blow_up

    for module_name, classes in UNSAFE.items():
        module = importlib.import_module(module_name)
        for owner, methods in classes.items():
            target = getattr(module, owner) if owner else module
            for method in methods:
                monkeypatch.setattr(target, method, trap(f"{module_name}.{owner}.{method}"))


def test_a_whole_life_of_a_package_touches_none_of_them(
    armed: None, house: SmallHouse, tmp_path: Path
) -> None:
    hello = house.hello()
    house.put(hello, "f", b"1", "one")
    house.put(hello, "big", b"\0" * (2 << 20))
    house.upload(hello, "u", b"u")
    hello.commit_upload(ANNA, "upload")
    work = clone(hello, tmp_path / "work")
    work.commit("pushed", g="g")
    assert work.push().refs[0].error is None
    work.push("refs/heads/side")
    _fetch(hello.repository.path)
    house.storage.delete_package("home:anna", "hello", ANNA)
    house.storage.undelete_package("home:anna", "hello", ANNA)
    house.storage.reindex(READERS.project, READERS.package)
    house.storage.sweep(containers=True)
    assert house.storage.fsck() == []
    assert fsck_is_clean(house.storage.package("home:anna", "hello").repository.path)


def _fetch(repository: Path) -> None:
    """What a client's clone asks for, answered by dulwich's half of the wire."""
    server = DulwichFetchServer()
    advertised = b"".join(server.advertise(repository, ""))
    assert MAIN.encode() in advertised and b"refs/packhouse" not in advertised
    tip = (repository / MAIN).read_bytes().strip()
    want = b"want " + tip + b" thin-pack side-band-64k ofs-delta\n"
    request = packet(want) + FLUSH + packet(b"done\n")
    assert b"PACK" in b"".join(server.serve(repository, io.BytesIO(request), ""))
