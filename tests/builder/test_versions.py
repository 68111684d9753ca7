"""Version comparison agrees with the programs whose rules it follows."""

import random
import subprocess

import pytest

from builder.versions import Dependency, compare_deb, compare_evr, compare_rpm, satisfies
from tests.support import need


def texts(seed, count, alphabet):
    source = random.Random(seed)
    length = range(1, 9)
    return ["".join(source.choices(alphabet, k=source.choice(length))) for _ in range(count)]


def test_rpm_order_is_that_of_rpm():
    need.program("rpm")
    words = ["1" + text for text in texts(1, 400, "0123456789ab.~^_+")]
    pairs = list(zip(words[::2], words[1::2], strict=True))
    table = ",".join(f'{{"{a}","{b}"}}' for a, b in pairs)
    script = f'%{{lua:for _,p in ipairs({{{table}}}) do print(rpm.vercmp(p[1],p[2]).." ") end}}'
    output = subprocess.run(["rpm", "--eval", script], check=True, capture_output=True, text=True)
    assert [compare_rpm(a, b) for a, b in pairs] == [int(n) for n in output.stdout.split()]


def test_debian_order_is_that_of_dpkg():
    need.program("dpkg")
    words = [f"1{text}x" for text in texts(2, 80, "0123ab.~+-")]
    for left, right in zip(words[::2], words[1::2], strict=True):
        wanted = {-1: "lt", 0: "eq", 1: "gt"}[compare_evr(left, right, "deb")]
        command = ["dpkg", "--compare-versions", left, wanted, right]
        assert subprocess.run(command, check=False).returncode == 0, (left, wanted, right)


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [("1.0", "1.0", 0), ("1:1", "2", 1), ("1-1", "1-2", -1), ("1", "1-2", 0), ("9" * 9000, "1", 1)],
)
def test_whole_versions(left, right, order):
    assert compare_evr(left, right) == order


def test_a_debian_version_without_revision_is_lower():
    assert compare_evr("1.0", "1.0-1", "deb") == -1
    assert compare_deb("1.0~rc1", "1.0") == -1


@pytest.mark.parametrize(
    ("provided", "wanted", "met"),
    [
        ("x = 2", "x >= 1", True),
        ("x = 1", "x > 1", False),
        ("x >= 3", "x <= 4", True),
        ("x < 3", "x >= 3", False),
        ("x <= 3", "x >= 3", True),
        ("x", "x >= 3", True),
        ("x = 1", "x", True),
        ("x = 1-2", "x = 1", True),
        ("x = 1:1", "x < 1:2", True),
    ],
)
def test_provide_meets_requirement(provided, wanted, met):
    assert satisfies(Dependency.parse(provided), Dependency.parse(wanted)) is met


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("a", ("a", "", "")),
        ("a>=1", ("a", ">=", "1")),
        ("a << 1", ("a", "<", "1")),
        ("pkgconfig(x) >= 1.2", ("pkgconfig(x)", ">=", "1.2")),
        ("a >=", ("a >=", "", "")),
        ("= 1", ("= 1", "", "")),
    ],
)
def test_dependency_text(text, parsed):
    dependency = Dependency.parse(text)
    assert (dependency.name, dependency.operator, dependency.version) == parsed
