"""Where files lie (build semantics, section 6.1) and which patterns leave them out."""

import time

import pytest

from builder.publishers import Kind, PublishFailed, filters
from builder.publishers.filters import filtered
from builder.publishers.places import is_debug, is_source, owner_key, place_of


@pytest.mark.parametrize(
    ("name", "place", "kind"),
    [
        ("hello-1.0-1.x86_64.rpm", "x86_64/hello-1.0-1.x86_64.rpm", Kind.RPM),
        ("a-b-c-1.0-1.2.noarch.rpm", "noarch/a-b-c-1.0-1.2.noarch.rpm", Kind.RPM),
        ("hello-1.0-1.src.rpm", "src/hello-1.0-1.src.rpm", Kind.RPM),
        ("hello-1.0-1.nosrc.rpm", "nosrc/hello-1.0-1.nosrc.rpm", Kind.RPM),
        ("hello_1.0-1_amd64.deb", "amd64/hello_1.0-1_amd64.deb", Kind.DEB),
        ("hello_1.0_all.udeb", "all/hello_1.0_all.udeb", Kind.DEB),
        ("hello-dbgsym_1.0_amd64.ddeb", "amd64/hello-dbgsym_1.0_amd64.ddeb", Kind.DEB),
        ("hello_1.0.dsc", "hello_1.0.dsc", Kind.DSC),
        ("hello_1.0.tar.xz", "hello_1.0.tar.xz", Kind.FILE),
        ("hello_1.0.orig.tar.gz", "hello_1.0.orig.tar.gz", Kind.FILE),
        ("hello_1.0.orig.tar.gz.asc", "hello_1.0.orig.tar.gz.asc", Kind.FILE),
        ("hello_1.0-1.debian.tar.xz", "hello_1.0-1.debian.tar.xz", Kind.FILE),
        ("hello_1.0-1.diff.gz", "hello_1.0-1.diff.gz", Kind.FILE),
        ("live.iso", "iso/live.iso", Kind.FILE),
        ("disk.qcow2", "disk.qcow2", Kind.FILE),
        ("Tool.AppImage", "Tool.AppImage", Kind.FILE),
    ],
)
def test_places(name, place, kind):
    assert place_of(name) == (place, kind)


@pytest.mark.parametrize(
    "name",
    [
        "hello.changes",
        "hello.buildinfo",
        "rpmlint.log",
        "_statistics",
        "logfile",
        "hello.rpm",
        "hello-1.0.rpm",
        "hello_1.0.deb",
        "hello-1.0-1.x/../../y.rpm",
        "a-1-1.repodata.rpm",
        "a_1_by-hash.deb",
        ".hidden-1-1.noarch.rpm",
        "hello-1.0-1.noarch.rpm\n",
        "x" * 300 + "-1-1.noarch.rpm",
        "Packages.gz",
        "Release",
        "evil.repo",
        "",
    ],
)
def test_what_is_not_published(name):
    assert place_of(name) is None


def test_rivals_are_of_one_name_and_architecture():
    assert owner_key("hello-1-1.noarch.rpm") == owner_key("hello-2-9.noarch.rpm")
    assert owner_key("hello-1-1.src.rpm") != owner_key("hello-1-1.noarch.rpm")
    assert owner_key("hello_1_all.deb") == owner_key("hello_2_all.deb")
    assert owner_key("a.tar.gz") != owner_key("b.tar.gz")


def test_sources_and_debug_packages_are_told_apart():
    assert is_source("a-1-1.src.rpm")
    assert is_source("a_1.dsc")
    assert is_source("a_1.orig.tar.gz.asc")
    assert not is_source("a-1-1.noarch.rpm")
    assert is_debug("a-debuginfo-1-1.x86_64.rpm")
    assert is_debug("a-debugsource-1-1.x86_64.rpm")
    assert is_debug("a-dbgsym_1_amd64.deb")
    assert not is_debug("debuginfo-tool-1-1.x86_64.rpm")


def test_filters_search_anywhere_and_bad_ones_match_nothing():
    names = ["a-debuginfo-1.rpm", "b.rpm", "c.src.rpm"]
    assert filtered([r"-debuginfo-", r"\.src\.rpm$"], names) == {names[0], names[2]}
    assert filtered(["[", "(", "*"], names) == frozenset()
    assert filtered([], names) == frozenset()
    assert filtered(["x"], []) == frozenset()


def test_a_filter_that_runs_for_ever_is_ended(monkeypatch):
    monkeypatch.setattr(filters, "_DEADLINE_S", 0.5)
    began = time.monotonic()
    with pytest.raises(PublishFailed, match="too long"):
        filtered(["(a+)+$"], ["a" * 60 + "!"])
    assert time.monotonic() - began < 10
