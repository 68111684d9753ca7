"""Rules of the configuration language that no golden case shows, and hostile texts."""

import time

import pytest

from builder.prjconf import parse_config, spec_macros
from builder.prjconf.expressions import ExpressionError, evaluate, is_true


def parse(text, arch="x86_64"):
    return parse_config(text, arch)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 || 0 && 0", 0),
        ("0 && 1 || 2", 2),
        ("1 + 2 * 3", 7),
        ("-(2 + 1)", -3),
        ("!0", 1),
        ('"a" + "b"', "ab"),
        ("1 ? 2 : 3", 2),
        ("0 ? 1 / 0 : 4", 4),
        ("0 && 1 / 0", 0),
        ('"10" < "9"', 1),
        ('v"1.10" > v"1.9"', 1),
        ('word == "word"', 1),
        ("2 < 10", 1),
    ],
)
def test_expression_has_value(expression, value):
    assert evaluate(expression) == value


@pytest.mark.parametrize(
    "expression",
    ["1 +", "(1", "1 2", "1 / 0", '"a" * 2', "f(1)", "9" * 30, "(" * 5000, "%", '"open'],
)
def test_bad_expression_is_an_error(expression):
    with pytest.raises(ExpressionError):
        evaluate(expression)


def test_text_zero_is_true_and_versions_are_false():
    assert is_true(evaluate('"0"'))
    assert not is_true(evaluate('""'))
    assert not is_true(evaluate('v"1"'))


def test_commands_are_never_run():
    config = parse("Required: a %(touch /tmp/no) b\nSupport: c\n")
    assert config.required == ("a", "MACRO")
    assert config.support == ("c",)
    assert config.parse_error == "line 1: cannot expand %(...)"


def test_unknown_macros_stay_and_unknown_conditions_are_empty():
    assert parse("Required: %foo %{bar} x%{?baz}y %%z").required == ("%foo", "%{bar}", "xy", "%z")


def test_definition_with_arguments():
    config = parse("%define twice(n:) %1-%1%{-n:-%{-n*}} %#\nRequired: %{twice -n 3 a} b\n")
    assert config.required == ("a-a-3", "1", "b")


def test_global_is_expanded_at_once_and_define_late():
    text = "%define v 1\n%global now %v\n%define late %v\n%define v 2\nRequired: n%now l%late\n"
    assert parse(text).required == ("n1", "l2")


def test_bcond_and_with():
    text = "%bcond_without docs\n%bcond_with tests\nRequired: d%{with docs} t%{with tests}\n"
    assert parse(text).required == ("d1", "t0")


def test_else_after_a_true_branch_is_not_read():
    text = "%if 1\nRequired: a\n%elif 1\nRequired: b\n%else\nRequired: c\n%endif\nSupport: s\n"
    config = parse(text)
    assert (config.required, config.support) == (("a",), ("s",))


def test_open_true_condition_passes_unnoticed():
    config = parse("%if 1\nRequired: a\n")
    assert (config.required, config.parse_error) == (("a",), "")


def test_families_of_architectures_are_known():
    assert parse("%ifarch %ix86\nRequired: a\n%endif\n", "i686").required == ("a",)
    assert parse("%ifarch %arm64\nRequired: a\n%endif\n", "aarch64").required == ("a",)


def test_substitution_can_take_over_the_version():
    config = parse("Substitute: old new= extra\n")
    assert config.substituted_versions("old >= 2") == ["new >= 2", "extra"]
    assert config.substituted_versions("other = 1") == ["other = 1"]


def test_substitution_loops_end():
    assert parse("Substitute: a b\nSubstitute: b a\n").substituted(["a"]) == []


def test_release_form_by_recipe():
    config = parse("Release: <CI_CNT>.<B_CNT> dsc:deb<CI_CNT>\n")
    assert config.release_for("dsc") == "deb<CI_CNT>"
    assert config.release_for("spec") == "<CI_CNT>.<B_CNT>"


def test_distribution_macros_are_seen_by_specs_only():
    config = parse("DistMacro: suse_version 1600\nMacros:\n%own %{suse_version}x\n")
    assert spec_macros(config, "x86_64").expand("%own") == "1600x"
    assert config.rawmacros == "%own %{suse_version}x\n"


@pytest.mark.parametrize(
    "text",
    [
        "%define a %a\nRequired: %a\n",
        "%define a %b\n%define b %a\nRequired: %a\n",
        "%define a() %a\nRequired: %a x\n",
        "%define a %{expand:%a%a}\nRequired: %a\n",
        "".join(f"%global a{n + 1} %a{n}%a{n}\n" for n in range(60)) + "Required: %a60\n",
        "%define a " + "x" * 60000 + "\n" + ("Required: " + "%a" * 30000 + "\n") * 50,
        ("Required: " + "%{?x:" * 9000 + "\n") * 20,
        "%if " + "(" * 100000 + "\n%endif\n",
        "%if " + "!" * 60000 + "1\n%endif\n",
        "%{" * 50000,
        "%[" * 50000,
    ],
    ids=range(11),
)
def test_hostile_configuration_ends_quickly_in_an_error(text):
    start = time.monotonic()
    config = parse("%global a0 " + "y" * 1000 + "\n" + text)
    assert config.parse_error or text.startswith("%if !") or config.warnings
    assert time.monotonic() - start < 5
