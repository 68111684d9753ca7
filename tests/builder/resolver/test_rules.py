"""Rules of the expansion that no golden case shows."""

import time

import pytest

from builder.prjconf import parse_config
from builder.resolver import Pool, Solvable, build_root, expand, input_set, solvable_of
from builder.resolver.rich import BadDependency, clauses

RPM = "Type: spec\n"


def pool_of(*solvables, kind="rpm", **more):
    pool = Pool(kind, **more)
    for solvable in solvables:
        pool.add(solvable)
    return pool


def run(pool, *words, config=RPM):
    found = expand(pool, parse_config(config, "x86_64"), words)
    return found.names if found.ok else found.details


def S(name, version="1-1", **lists):
    return Solvable(name, version, **{key: tuple(value) for key, value in lists.items()})


def test_the_first_repository_with_a_name_wins_whatever_its_version():
    pool = pool_of(S("lib", "1-1"), S("lib", "9-1"))
    assert run(pool, "lib >= 2") == "nothing provides lib >= 2"


def test_directly_wanted_package_that_is_forbidden():
    assert run(pool_of(S("a")), "a", "!a") == "a is in conflict"


def test_configuration_forbids_a_package_everywhere():
    pool = pool_of(S("a", requires=["b"]), S("b"))
    text = "conflict for providers of b needed by a, (provider b is in conflict)"
    assert run(pool, "a", config=RPM + "Conflict: b\n") == text


def test_obsoletes_of_a_directly_wanted_package():
    assert run(pool_of(S("a", obsoletes=["b"]), S("b")), "a", "b") == "a obsoletes b"


def test_rpmlib_requirements_are_of_the_installer():
    assert run(pool_of(S("a", requires=["rpmlib(X) <= 1"])), "a") == ["a"]


def test_what_follows_the_end_of_direct_dependencies_has_no_preference_for_the_name():
    pool = pool_of(S("mta"), S("exim", provides=["mta"]))
    assert run(pool, "--directdepsend--", "mta") == "have choice for mta: exim mta"


def test_recommended_packages_come_in_on_demand_only():
    pool = pool_of(S("a", recommends=["b"]), S("b", recommends=["c"]), S("c"))
    assert run(pool, "a") == ["a"]
    assert run(pool, "a", "--dorecommends--") == ["a", "b", "c"]


def test_supplements_decide_when_the_configuration_says_so():
    pool = pool_of(S("a", requires=["x"]), S("p", provides=["x"], supplements=["a"]))
    pool.add(S("q", provides=["x"]))
    assert run(pool, "a") == "have choice for x needed by a: p q"
    assert run(pool, "a", config=RPM + "ExpandFlags: dosupplements\n") == ["a", "p"]


def test_condition_that_becomes_true_late_is_checked_again():
    pool = pool_of(S("a", requires=["(extra if late)", "b"]), S("b", requires=["c"]))
    pool.add(S("c", requires=["late"]))
    pool.add(S("late"))
    pool.add(S("extra"))
    assert run(pool, "a") == ["a", "b", "c", "extra", "late"]


def test_boolean_conflict_forbids_the_combination_only():
    pool = pool_of(S("a", conflicts=["(b and c)"]), S("b"), S("c"))
    assert run(pool, "a", "b") == ["a", "b"]
    assert run(pool, "b", "c", "a") == "a conflicts with c"


def test_keep_file_requires():
    pool = pool_of(S("a", requires=["/usr/bin/x"]))
    config = RPM + "ExpandFlags: keepfilerequires\n"
    assert run(pool, "a", config=config) == "nothing provides /usr/bin/x needed by a"


def test_requirements_before_installation_join_the_root_but_not_the_input():
    pool = pool_of(S("lib"), S("shadow"))
    config = parse_config(RPM, "x86_64")
    found = build_root(pool, config, ["lib"], prereqs=["shadow", "/usr/sbin/useradd"])
    assert found.names == ["lib", "shadow"]
    assert input_set(pool, config, ["lib"]).names == ["lib"]


def test_packages_ignored_for_rebuilds_do_not_count():
    pool = pool_of(S("lib"), S("doc"))
    config = parse_config(RPM + "IgnoreRebuild: doc\n", "x86_64")
    assert input_set(pool, config, ["lib", "doc"]).names == ["lib"]


class Distribution:
    """A backdrop of two editors and a library."""

    packages = (S("nano", provides=["editor"]), S("vim", provides=["editor"]), S("libc6", "2.36"))

    def providers(self, dependency):
        name = dependency.split()[0]
        return [s for s in self.packages if name in (s.name, *s.provides)]

    def assumes(self, dependency):
        return ".so." in dependency


def test_backdrop_answers_without_a_choice_and_own_packages_come_first():
    behind = pool_of(S("app", requires=["editor", "libx.so.1()(64bit)"]), backdrop=Distribution())
    assert run(behind, "app") == ["app", "nano"]
    assert run(behind, "app", "vim") == ["app", "vim"]
    assert run(behind, "app", "!nano") == ["app", "vim"]
    own = pool_of(S("app", requires=["editor"]), S("ed", provides=["editor"]))
    own.backdrop = Distribution()
    assert run(own, "app") == ["app", "ed"]
    assert run(own, "libx.so.1()(64bit)") == "nothing provides libx.so.1()(64bit)"


def test_own_package_hides_the_one_of_the_backdrop():
    pool = pool_of(S("nano", "9-1"), backdrop=Distribution())
    assert [s.evr for s in expand(pool, parse_config(RPM, "x"), ["nano"]).packages] == ["9-1"]


def test_result_header_becomes_a_package():
    header = {"name": "x", "epoch": "2", "version": "1", "release": "3", "arch": "noarch"}
    assert solvable_of(header).evr == "2:1-3"
    assert solvable_of({**header, "arch": "src"}) is None
    assert solvable_of({}) is None
    header = {"type": "deb", "name": "x", "version": "1", "release": "2", "obsoletes": ["y"]}
    deb = solvable_of({**header, "requires": ["libc6 (>= 2.3) | b:any"]})
    assert (deb.evr, deb.requires, deb.obsoletes) == ("1-2", ("libc6 >= 2.3 | b",), ())
    rpm = solvable_of({"name": "x", "version": "1", "requires": ["perl(Foo::any)"]})
    assert rpm.requires == ("perl(Foo::any)",)


@pytest.mark.parametrize(
    "text",
    [
        "()",
        "(a)b)",
        "(a or b and c)",
        "(a if b else c else d)",
        "(a >=)",
        "(if a)",
        "(a b)",
        "(a with (b and c))",
        "(" * 3000 + "a" + ")" * 3000,
    ],
)
def test_bad_boolean_dependency(text):
    with pytest.raises(BadDependency):
        clauses(text, lambda name: [name])


def test_boolean_dependency_does_not_explode():
    text = "(" + " or ".join(f"(a{n} and b{n})" for n in range(64)) + ")"
    start = time.monotonic()
    with pytest.raises(BadDependency):
        clauses(text, lambda name: [name])
    assert time.monotonic() - start < 2
