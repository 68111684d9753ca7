"""Spec files: what is read from them, and what hostile ones cost."""

import subprocess
import time
from pathlib import Path

import pytest

from builder.prjconf import parse_config
from builder.recipes import RECIPES
from tests.support import need

SAMPLES = Path(__file__).parent.parent / "data" / "samples"
SPEC = RECIPES["spec"]


def parse(text, config="", arch="x86_64", **more):
    return SPEC.parse(text, parse_config(config, arch), arch, **more)


def sample(name):
    return parse((SAMPLES / f"{name}.spec").read_text())


def test_samples_are_read():
    multi = sample("multi-sub")
    assert (multi.name, multi.version, multi.release) == ("multi-sub", "0.3", "2")
    assert multi.subpackages == (
        "libmultisub1",
        "multi-sub-devel",
        "multi-sub-tools",
        "multi-sub-doc",
    )
    assert multi.sources == ("multi-sub-0.3.tar.gz",)
    assert sample("pair-b").buildrequires == ("gcc", "pkgconfig(pair-a) >= 1.2")
    assert sample("hello-py").build_arches == ("noarch",)
    assert not any(sample(path.stem).error for path in SAMPLES.glob("*.spec"))


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.spec")), ids=lambda path: path.stem)
def test_answers_are_those_of_rpmspec(path):
    need.program("rpmspec")
    query = ["rpmspec", "--define", "_dbpath /nonexistent", "-q"]
    form = ["--srpm", "--qf", "%{name} %{version}\\n[%{requires} ]"]
    output = subprocess.run(
        [*query, *form, str(path)], check=True, capture_output=True, text=True
    ).stdout.split("\n")
    parsed = sample(path.stem)
    assert output[0] == f"{parsed.name} {parsed.version}"
    assert set(output[1].split()) == {word.split()[0] for word in parsed.buildrequires}


def test_dependencies_of_every_form():
    spec = """
Name: x
Version: 1
BuildRequires: a >= 1, b  c>=2 (d if e) pkgconfig(f) = 3
BuildRequires: g [x86_64], h [i586,armv7l], i [!x86_64], j [!i586]
BuildPreReq: k
#!BuildRequires: l
BuildConflicts: m
#!BuildConflicts: n
#!BuildIgnore: o p
Requires(pre): q >= 3
Requires(post,postun): /sbin/ldconfig
Requires(postun): never
PreReq: x-libs, gcc
%package libs
Requires(post): s
BuildRequires: not-of-the-main-package
"""
    parsed = parse(spec)
    wanted = ("a >= 1", "b", "c >= 2", "(d if e)", "pkgconfig(f) = 3", "g", "j", "k", "l")
    assert parsed.buildrequires == wanted
    assert parsed.conflicts == ("m", "n")
    assert parsed.ignores == ("o", "p")
    assert parsed.prereqs == ("q", "/sbin/ldconfig", "gcc", "s")
    assert parsed.dependencies == [*wanted, "!m", "!n", "-o", "-p"]


def test_macros_of_the_configuration_are_seen():
    config = "Macros:\n%suse_version 1600\n%_bindir /usr/bin\n:Macros\nRequired: %{?suse_version}\n"
    spec = """Name: x
Version: 1
%if 0%{?suse_version} >= 1500
BuildRequires: new
%else
BuildRequires: old
%endif
BuildRequires: %{_bindir}/env
"""
    assert parse(spec, config).buildrequires == ("new", "/usr/bin/env")
    assert parse(spec).buildrequires == ("old",)


def test_macro_that_stands_for_lines():
    spec = "%global needs \\\nBuildRequires: a \\\nBuildRequires: b\nName: x\nVersion: 1\n%needs\n"
    assert parse(spec).buildrequires == ("a", "b")


def test_conditional_line_in_braces():
    spec = "%bcond_without y\nName: x\nVersion: 1\n%{?with_y:BuildRequires: b}\n"
    spec += "%{?no:\nBuildRequires: c\n}\n"
    assert parse(spec).buildrequires == ("b",)


def test_architectures_and_flavours():
    spec = """
%if "@BUILD_FLAVOR@" == "docs"
%define psuffix -docs
%else
ExclusiveArch: %ix86 x86_64
%endif
ExcludeArch: armv7l
Name: @OBS_PACKAGE@%{?psuffix}
Version: 1
"""
    plain = parse(spec, package="x")
    assert plain.name == "x"
    assert not plain.excludes("x86_64")
    assert not plain.excludes("i686")
    assert plain.excludes("aarch64")
    flavoured = parse(spec, package="x", flavor="docs")
    assert flavoured.name == "x-docs"
    assert flavoured.excludes("armv7l")
    assert not flavoured.excludes("aarch64")


def test_sections_end_the_preamble():
    spec = "Name: x\nVersion: 1\n%description\nBuildRequires: a\n%prep\nVersion: 2\n"
    parsed = parse(spec)
    assert (parsed.version, parsed.buildrequires) == ("1", ())


def test_only_packages_with_files_are_made():
    spec = "Name: x\nVersion: 1\n%package a\n%package -n b\n%files -f list a\n%files\n"
    assert parse(spec).subpackages == ("x", "x-a")


def test_code_is_not_run_and_marked():
    spec = "Name: x\nVersion: %(touch /tmp/never; echo 1)\nBuildRequires: a %{lua:print('b')} c\n"
    parsed = parse(spec)
    assert parsed.needs_sandbox_parse
    assert parsed.version == ""
    assert parsed.buildrequires == ("a", "c")
    assert not parsed.error


def test_shortening_a_commit_is_understood_without_a_shell():
    spec = "%global c 0123456789abcdef\nName: x\nVersion: 1~%(c=%{c}; echo ${c:0:7})\n"
    parsed = parse(spec)
    assert (parsed.version, parsed.needs_sandbox_parse) == ("1~0123456", False)


def test_strange_conditions_are_left_to_rpm():
    parsed = parse("Name: x\nVersion: 1\n%if %{lua:print(1)} == 1\nBuildRequires: a\n%endif\n")
    assert (parsed.error, parsed.needs_sandbox_parse) == ("", True)


def test_name_that_cannot_be_told():
    assert parse("Version: 1\n", package="x").error == "can not parse name from x.spec"


@pytest.mark.parametrize(
    ("files", "package", "found"),
    [
        (["x-std.spec", "x.spec"], "x", "x-std.spec"),
        (["x.spec", "y.spec"], "x", "x.spec"),
        (["x.spec", "y.spec"], "x.y", "x.spec"),
        (["y.spec"], "x", "y.spec"),
        (["xa.spec", "y.spec"], "x", "xa.spec"),
        (["xa.spec", "xb.spec"], "x", None),
        (["x-std-a.spec", "xb.spec"], "x", "x-std-a.spec"),
        (["x.dsc"], "x", None),
    ],
)
def test_choice_of_the_spec_file(files, package, found):
    assert SPEC.find(files, package, "std") == found


HOSTILE = {
    "endless": "%define a %b\n%define b %a\nName: %a\n",
    "growing": "".join(f"%global a{n + 1} %a{n}%a{n}\n" for n in range(64)) + "Name: %a64\n",
    "wide": "%define a " + "x" * 60000 + "\n" + ("BuildRequires: " + "%a" * 3000 + "\n") * 300,
    "many": "Name: x\n" + "BuildRequires: a b c d e f\n" * 200_000,
    "nested": "Name: x\n" + "%if 1\n" * 200_000,
    "braces": "Name: x\nVersion: " + "%{?a:" * 100_000 + "\n",
    "parens": "Name: x\nVersion: 1\nBuildRequires: " + "(" * 500_000 + "\n",
    "shell": "Name: x\nVersion: " + "%(" * 50_000 + "\n",
    "spaces": "Name: x\nVersion: 1\n" + "BuildRequires:" + " " * 1_000_000 + "a\n",
    "blank lines": "Name" + " " * 1_000_000 + "\n" + "%{" + "\n" * 500_000,
    "definitions": "Name: x\n" + "%define a \\\n" * 300_000,
    "binary": bytes(range(256)).decode("latin-1") * 4000,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_spec_ends_quickly(name):
    start = time.monotonic()
    parse(HOSTILE[name], package="x")
    assert time.monotonic() - start < 5


def test_too_large_a_spec_is_not_read():
    assert parse("#" * (8 << 20) + "\nName: x").error == "recipe is too large"


def test_rpmspec_runs_code_where_this_does_not(tmp_path):
    """Why the server reads specs itself."""
    need.program("rpmspec")
    text = (
        f"Name: x\nVersion: %(touch {tmp_path}/ran; echo 1)\nRelease: 1\nSummary: x\nLicense: MIT\n"
    )
    spec = tmp_path / "x.spec"
    spec.write_text(text + "%description\n")
    parse(text)
    assert not (tmp_path / "ran").exists()
    subprocess.run(["rpmspec", "-q", str(spec)], check=False, capture_output=True)
    assert (tmp_path / "ran").exists()
