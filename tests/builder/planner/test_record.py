"""Input records: what they hold, and what a difference means."""

from builder.planner.cycles import components
from builder.planner.record import Input, make_record, meta_reason, source_reason
from builder.planner.uses import UseIndex


def test_lines_of_producers_follow_with_their_path():
    lib = make_record("lib", "S1", [Input("zlib", "Z")], [])
    app = make_record("app", "S2", [Input("lib", "S1", lib), Input("gcc", "G")], [])
    assert app == "S2  app\nG  gcc\nS1  lib\nZ  lib/zlib"


def test_repeated_inputs_are_kept_once_the_shallow_one():
    record = make_record("lib", "S1", [Input("gcc", "G")], [])
    app = make_record("app", "S2", [Input("lib", "S1", record), Input("gcc", "G")], [])
    assert app == "S2  app\nG  gcc\nS1  lib"


def test_lines_through_own_binaries_are_left_out():
    record = make_record("b", "B", [Input("a", "A"), Input("z", "Z")], [])
    assert make_record("a", "A", [Input("b", "B", record)], ["a"]) == "A  a\nB  b\nZ  b/z"


def test_very_long_records_are_bounded_and_still_differ():
    inputs = [Input(f"p{n:05}", "1") for n in range(5000)]
    record = make_record("a", "A", inputs, [])
    assert record.count("\n") < 3100
    changed = make_record("a", "A", [*inputs[:-1], Input("p04999", "2")], [])
    assert changed != record


def test_reasons():
    old, new = "S  a\n1  x\n2  x/y", "S  a\n1  x\n3  x/y\n4  z"
    assert source_reason("", "S") == {"explain": "new build"}
    assert source_reason(old, "T") == {"explain": "source change", "oldsource": "S"}
    assert source_reason(old, "S") is None
    changes = [{"change": "md5sum", "key": "x/y"}, {"change": "added", "key": "z"}]
    assert meta_reason(old, new, "transitive") == {
        "explain": "meta change",
        "packagechange": changes,
    }
    assert meta_reason(old, new, "direct")["packagechange"] == changes[1:]
    assert meta_reason(old, new, "local") is None


def test_components_come_producers_first_and_cycles_together():
    needs = {"app": ["lib", "tool"], "lib": ["tool", "app2"], "app2": ["lib"], "tool": []}
    found = components(["app"], lambda name: needs.get(name, []))
    assert found == [("tool",), ("app2", "lib"), ("app",)]


def test_long_chains_need_no_deep_recursion():
    chain = components(["0"], lambda name: [str(int(name) + 1)] if int(name) < 20_000 else [])
    assert len(chain) == 20_001


def test_uses_are_found_both_ways():
    index = UseIndex()
    index.put("a", ["x", "y"])
    index.put("b", ["y"])
    assert index.users(["y"]) == {"a", "b"}
    index.put("a", ["z"])
    assert index.users(["x", "y"]) == {"b"}
    assert "a" in index
    index.drop("a")
    assert index.users(["z"]) == set()
