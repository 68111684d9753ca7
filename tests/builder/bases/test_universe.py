"""What a base root offers the resolver, and when it is read again."""

import threading

import pytest

from builder.bases import Place, default_config
from builder.bases.guess import candidates
from builder.prjconf import parse_config
from builder.resolver import Pool, build_root


def names(universe, dependency):
    return [solvable.name for solvable in universe.providers(dependency)]


@pytest.mark.parametrize(
    ("dependency", "found"),
    [
        ("gcc", ["gcc"]),
        ("gcc >= 4:12", ["gcc"]),
        ("gcc >= 5:1", []),
        ("c-compiler", ["gcc", "clang"]),
        ("c-compiler >= 1", []),
        ("mail-transport-agent", ["postfix", "exim4"]),
        ("debhelper-compat = 13", ["debhelper"]),
        ("debhelper-compat = 14", []),
        ("nothing | exim4", ["exim4"]),
        ("/usr/bin/gcc", ["gcc"]),
        ("/bin/gcc", ["gcc"]),
        ("pkgconfig(zlib) >= 1.2", ["zlib1g-dev"]),
        ("pkgconfig(zlib) >= 1.3", []),
        ("pkgconfig(libxml-2.0) >= 2.9", ["libxml2-dev"]),
        ("pkgconfig(libxml-2.0) >= 3", []),
        ("pkgconfig(pair-a) >= 1.2", []),
        ("libz.so.1()(64bit)", ["zlib1g"]),
        ("libz.so.1(ZLIB_1.2)(64bit)", ["zlib1g"]),
        ("libxml2.so.2()(64bit)", ["libxml2"]),
        ("rtld(GNU_HASH)", ["libc6"]),
        ("perl(JSON::XS)", ["libjson-xs-perl"]),
        ("removed", []),
        ("twice > 1.9", ["twice"]),
    ],
)
def test_providers(universe, dependency, found):
    assert names(universe, dependency) == found


def test_the_version_in_the_root_is_the_one_that_counts(universe):
    (gcc,) = universe.providers("gcc")
    assert (gcc.evr, gcc.arch, gcc.project, gcc.repository) == (
        "4:12.2-3",
        "amd64",
        "Debian:12",
        "standard",
    )
    assert universe.in_root("gcc")
    assert not universe.in_root("debhelper")
    assert [s.name for s in universe.installed()] == [
        "gcc",
        "libc6",
        "libtsan2",
        "make",
        "rpm",
        "zlib1g",
        "zlib1g-dev",
    ]


def test_closure_follows_the_rules_of_debian(universe):
    """perl-base breaks old perls, libdebhelper old libtsan2s: neither is meant here."""
    assert [s.name for s in universe.closure(["debhelper"])] == [
        "debhelper",
        "libdebhelper",
        "perl-base",
    ]
    whole = universe.closure(["gcc", "debhelper"], with_root=True)
    assert {"libc6", "libtsan2", "gcc", "debhelper"} <= {s.name for s in whole}


def test_closure_of_what_does_not_go_together_is_what_was_asked_for(universe):
    assert [s.name for s in universe.closure(["broken", "nobody"])] == ["broken"]


def test_fingerprint_covers_what_is_pulled_in(universe, bases, distribution):
    before = universe.fingerprint(["debhelper"]), universe.fingerprint(["exim4"])
    path = distribution.lists / "main_Packages"
    path.write_text(path.read_text().replace("5.36-7", "5.36-8"))
    bases.load()
    after = bases.view("Debian:12", "standard", "x86_64").universe
    assert after is not universe
    assert after.fingerprint(["debhelper"]) != before[0]
    assert after.fingerprint(["exim4"]) == before[1]


def test_equal_lists_are_not_read_again(bases, universe):
    bases.load()
    assert bases.view("Debian:12", "standard", "x86_64").universe is universe


def test_universe_is_made_in_the_background(distribution, bases):
    ready = threading.Event()
    bases._on_change = ready.set
    view = bases.view("Debian:12", "standard", "x86_64")
    assert (view.universe, view.problem) == (None, "the base root is being prepared")
    assert ready.wait(30)
    assert bases.view("Debian:12", "standard", "x86_64").universe is not None


def test_base_that_cannot_be_made_says_why(distribution, bases):
    distribution.package_lists = lambda: (distribution.lists / "absent",)
    bases.load()
    assert "No such file" in bases.view("Debian:12", "standard", "x86_64").problem


def test_only_configured_places_are_bases(bases):
    assert bases.offers("Debian:12", "standard")
    assert not bases.offers("Debian:12", "other")
    assert bases.view("Debian:12", "standard", "i586") is None
    assert bases.places() == [Place("Debian:12", "standard", "x86_64")]


def test_spec_requirements_are_met_by_the_distribution(universe):
    text = default_config().replace("Preinstall:", "#").replace("Required:", "#")
    config = parse_config(text.replace("Support:", "#"), "x86_64")
    assert not config.warnings
    assert not config.parse_error
    assert (config.type, config.binarytype) == ("spec", "rpm")
    pool = Pool("rpm", backdrop=universe)
    found = build_root(pool, config, ["gcc", "zlib-devel", "pkgconfig(zlib)"])
    assert found.names == ["gcc", "zlib1g-dev"]
    found = build_root(pool, config, ["pkgconfig(pair-a) >= 1.2"])
    assert found.details == "nothing provides pkgconfig(pair-a) >= 1.2"


@pytest.mark.parametrize(
    ("dependency", "name"),
    [
        ("libfoo.so.3()(64bit)", "libfoo3"),
        ("libfoo2.so.1()(64bit)", "libfoo2-1"),
        ("libglib-2.0.so.0()(64bit)", "libglib2.0-0"),
        ("libssl.so.3()(64bit)", "libssl3"),
        ("libcrypto.so.3(OPENSSL_3.0.0)(64bit)", "libssl3"),
        ("pkgconfig(glib-2.0)", "libglib2.0-dev"),
        ("perl(Foo::Bar_Baz)", "libfoo-bar-baz-perl"),
        ("python3dist(Foo_Bar)", "python3-foo-bar"),
        ("python3.11dist(requests[socks])", "python3-requests"),
    ],
)
def test_naming_policy(dependency, name):
    assert name in candidates(dependency)
