"""Project configurations against what obs-build reports for the same texts."""

import json
from pathlib import Path

import pytest

from builder.prjconf import Layer, ProjectConfig, combined, parse_config, spec_macros

DATA = Path(__file__).parent.parent / "data" / "prjconf"
CASES = [json.loads(path.read_text()) for path in sorted(DATA.glob("*.json"))]
EMPTY = ("", (), {}, None, [])


def reported(config: ProjectConfig, case: dict) -> dict:
    """The configuration in the shape of the golden files."""
    names = [name for name in ProjectConfig.__dataclass_fields__ if name != "substitute_versions"]
    found = {name: getattr(config, name) for name in names}
    found["order"] = dict.fromkeys(config.order, 1)
    found["conflict_effective"] = {k: sorted(v) for k, v in config.conflicts().items()}
    found["ignore_effective"] = sorted(config.ignored())
    if len(config.release_forms) < 2:
        found["release_forms"] = ()
    flags = {}
    for flag in case.get("flags", []):
        kind, name = flag.split(":")
        value = config.flag(kind.removesuffix("flags"), name)
        if value is not None:
            flags[flag] = value or 1
    found["flag"] = flags
    macros = spec_macros(config, case["arch"])
    found["spec_macro"] = {text: macros.expand(text) for text in case.get("eval", [])}
    found["subst"] = config.substituted(case.get("subst", []))
    found = {k: v for k, v in found.items() if v not in EMPTY and k != "distmacros"}
    return json.loads(json.dumps(found))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_configuration_means_what_obs_build_says(case):
    text = case["text"]
    if "layers" in case:
        layers = [Layer(x["project"], x["repository"], x["config"]) for x in case["layers"]]
        text = combined(case["project"], case["repository"], layers, instance="build.some.where")
        assert text == case["text"]
    assert reported(parse_config(text, case["arch"]), case) == case["expected"]


def test_recorded_build_configuration_is_reproduced_byte_by_byte():
    config = "Repotype: debian\nType: dsc\n"
    layers = [Layer("base", "standard", config), Layer("base", "extra", config)]
    text = combined("base", "standard", layers, instance="build.some.where")
    assert text == (DATA / "recorded-buildconfig.txt").read_text()
