"""Debian source descriptions."""

import time
from pathlib import Path

import pytest

from builder.prjconf import parse_config
from builder.recipes import RECIPES, choose, debian_arch, scheduler_arches, version_of
from storage.model import Entry, Listing

SAMPLES = Path(__file__).parent.parent / "data" / "samples"
DSC = RECIPES["dsc"]


def parse(text, config="", arch="x86_64", **more):
    return DSC.parse(text, parse_config(config, arch), arch, **more)


def test_sample_is_read():
    parsed = parse((SAMPLES / "hello-deb_1.0.dsc").read_text())
    assert (parsed.name, parsed.version, parsed.release) == ("hello-deb", "1.0", "")
    assert parsed.buildrequires == ("debhelper-compat = 13",)
    assert parsed.subpackages == ("hello-deb", "hello-deb-doc")
    assert parsed.sources == ("hello-deb_1.0.tar.xz",)
    assert not parsed.excludes("x86_64")


RELATIONS = """Source: x
Version: 1:2.0-3
Architecture: any
Build-Depends: a (>> 1) | b:any, c [!amd64], d [linux-any], e <!nocheck>, f <cross>,
 ${misc:Depends}, debhelper-compat (= 13)
Build-Depends-Indep: g:native (<< 2~)
Build-Conflicts: z (<< 1)

Package: second
Build-Depends: never
"""


def test_relations_are_translated_and_restricted():
    parsed = parse(RELATIONS)
    assert (parsed.epoch, parsed.version, parsed.release) == ("1", "2.0", "3")
    wanted = ("a > 1 | b", "d", "e", "debhelper-compat = 13", "g < 2~")
    assert parsed.buildrequires == wanted
    assert parsed.dependencies == [*wanted, "-z"]


def test_profiles_of_the_project_count():
    config = "Macros:\n%deb_build_profiles nocheck cross\n"
    assert parse(RELATIONS, config).buildrequires[1:3] == ("d", "f")


def test_signed_description_is_read():
    text = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSource: x\nVersion: 1-1\n\n"
        "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"
    )
    assert (parse(text).name, parse(text).version) == ("x", "1")


@pytest.mark.parametrize(
    ("line", "excluded"),
    [("any", False), ("all", False), ("amd64 i386", False), ("arm64", True), ("any-arm64", True)],
)
def test_architecture_line(line, excluded):
    parsed = parse(f"Source: x\nVersion: 1\nArchitecture: {line}\n")
    assert parsed.excludes("x86_64") is excluded


def test_words_for_architectures():
    assert debian_arch("x86_64") == "amd64"
    assert debian_arch("s390x") == "s390x"
    assert scheduler_arches("amd64") == ("x86_64",)


def test_last_resort_is_the_control_file():
    assert DSC.find(["debian.control", "x.tar.gz"], "x") == "debian.control"
    assert DSC.find(["debian.control", "x.dsc"], "x") == "x.dsc"


def test_kind_is_chosen_per_package_where_both_can_be_built():
    assert choose(["x.dsc"], "x", "std", "spec") is None
    recipe, name = choose(["x.dsc"], "x", "std", "spec", others=True)
    assert (recipe.kind, name) == ("dsc", "x.dsc")
    recipe, name = choose(["x.dsc", "x.spec"], "x", "std", "spec", others=True)
    assert (recipe.kind, name) == ("spec", "x.spec")
    assert choose(["README"], "x", "std", "spec", others=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "Build-Depends: " + "(" * 500_000,
        "Source: x\nBuild-Depends: " + "a|" * 200_000,
        "Source: x\nBuild-Depends: " + "a [" * 100_000,
        "Source: x\nBuild-Depends: " + "a <" * 100_000,
        "Source: x\nBuild-Depends: a" + " " * 500_000 + "(",
        "Source: x\nBuild-Depends: " + "a, " * 200_000,
        "Source" + ":" * 500_000,
        "-----BEGIN PGP SIGNED MESSAGE-----\n" * 20_000,
        "\n" * 900_000,
    ],
    ids=range(9),
)
def test_hostile_description_ends_quickly(text):
    start = time.monotonic()
    parse(text, package="x")
    assert time.monotonic() - start < 5


def listing(*names):
    entries = (Entry(name, "0" * 32, 10, 0, "0" * 40) for name in names)
    return Listing("0" * 40, "0" * 32, tuple(entries))


@pytest.mark.parametrize(
    ("names", "content", "version"),
    [
        (["x.spec"], b"Name: x\n%define v 1.2\nVersion: %{v}.3\n", "1.2.3"),
        (["x.dsc"], b"Source: x\nVersion: 1:2.0-3\n", "2.0"),
        (["x.spec"], b"\xff\xfe", "unknown"),
        (["x.spec"], b"Name: x\nVersion: %(date)\n", "unknown"),
        (["README"], b"", "unknown"),
    ],
)
def test_version_of_a_tree(names, content, version):
    assert version_of(listing(*names), lambda entry: content) == version


def test_version_never_stops_a_commit():
    def broken(entry):
        raise OSError("disk")

    assert version_of(listing("x.spec"), broken) == "unknown"
