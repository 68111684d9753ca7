"""Dependency expansion against what obs-build and the backend's library say."""

import json
from pathlib import Path

import pytest

from builder.prjconf import parse_config
from builder.resolver import Pool, Solvable, build_root, expand, input_set

DATA = Path(__file__).parent.parent / "data" / "expand"
CASES = [json.loads(path.read_text()) for path in sorted(DATA.glob("*.json"))]
HINTED = [
    case
    for case in CASES
    if "got version" in case.get("backend_library_differs", {}).get("details", "")
]
LISTS = ("provides", "requires", "conflicts", "obsoletes", "recommends", "supplements")


def answer(case: dict, *, hints: bool = False) -> dict:
    config = parse_config(case["config"], case["arch"])
    pool = Pool(config.version_rules, fileprovides=config.fileprovides)
    for package in case["packages"]:
        lists = {name: tuple(package.get(name, ())) for name in LISTS}
        version = package.get("version", "1")
        pool.add(Solvable(package["name"], f"{version}-{package.get('release', '1')}", **lists))
    if case.get("call", "expand") == "expand":
        found = expand(pool, config, case["deps"], hints=hints)
    else:
        call = build_root if case["call"] == "get_build" else input_set
        found = call(pool, config, case["deps"], own=case.get("subpacks", ()), hints=hints)
    if found.ok:
        return {"ok": True, "packages": found.names}
    return {"ok": False, "errors": list(found.errors), "details": found.details}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_expansion_answers_as_obs_build(case):
    assert answer(case) == case["expected"]


@pytest.mark.parametrize("case", HINTED, ids=lambda case: case["name"])
def test_version_hints_are_those_of_the_backend(case):
    assert answer(case, hints=True) == case["backend_library_differs"]
