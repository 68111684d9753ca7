"""Edits and the rebuilds they cause: the table of build semantics 7.4.

Every row starts from the built world; a cell says which packages are built and why.
"""

from dataclasses import dataclass, field

import pytest

from storage.model import Author, PathEntry, Repository

from .world import CONFIG, off, on, one_repository

L, G, S = "libgreet", "greet", "site"
SRC, NEW = "source change", "new build"
L_TO_G = "meta change: md5sum libgreet, md5sum libgreet-devel"
L_TO_S = "meta change: md5sum greet/libgreet, md5sum greet/libgreet-devel"
GCC = "meta change: md5sum gcc"


@dataclass
class Row:
    """``cells`` by rebuild mode; a missing mode was already said by the one before."""

    number: str
    edit: object
    transitive: list
    direct: list
    local: list
    results: dict = field(default_factory=dict)
    after: dict = field(default_factory=dict)


def commit_libgreet(world):
    world.spec(L, more="# touched")


def commit_greet(world):
    world.spec(G, more="# touched")


def commit_both(world):
    commit_libgreet(world)
    commit_greet(world)


def revert_libgreet(world):
    commit_libgreet(world)
    world.run()
    world.spec(L)


def config(old, new):
    return lambda world: world.config(CONFIG.replace(old, new))


def rebuild(*packages):
    def edit(world):
        from builder.planner import commands

        with world.records.read() as unit:
            project = unit.projects.get("demo")
        commands.rebuild(world.house, project, packages or None, user="anna")

    return edit


def wipe_libgreet(world):
    from builder.planner import commands

    with world.records.read() as unit:
        project = unit.projects.get("demo")
    commands.wipe(world.house, project, [L], user="anna")


def meta(*repositories, flags=()):
    def edit(world):
        world.project("demo", *repositories, flags=flags)

    return edit


def stable(*paths, **more):
    paths = paths or (PathEntry("Dist", "std"),)
    return Repository("stable", ("x86_64",), paths, **more)


def new_repository_first(world):
    world.project("Own", Repository("std", ("x86_64",)))
    world.downloaded("gcc", project="Own")
    mode = world.mode
    paths = (PathEntry("Own", "std"), PathEntry("Dist", "std"))
    world.project("demo", stable(*paths, rebuild=mode))


def new_repository_last(world):
    world.project("Own", Repository("std", ("x86_64",)))
    world.downloaded("gcc", project="Own")
    paths = (PathEntry("Dist", "std"), PathEntry("Own", "std"))
    world.project("demo", stable(*paths, rebuild=world.mode))


def lock_greet(world):
    world.flags(G, on("lock"))
    world.settle()
    commit_libgreet(world)


def disabled_meanwhile(world):
    world.flags(L, off("build"))
    world.settle()
    commit_libgreet(world)
    world.settle()
    assert world.code(L) == ("disabled", "")
    world.flags(L)


def fewer_binaries(world):
    world.outputs[L] = {"libgreet": {}}
    world.spec(G, ["libgreet"])
    world.run()
    world.spec(L, more="# without devel")


def failed_then_zlib(world):
    commit_libgreet(world)
    world.run(libgreet="failed")
    world.downloaded("zlib")


def second_provider(world):
    world.downloaded("zlib-other", {"provides": ["zlib"]})
    world.downloaded("zlib-devel", {"requires": ["virtual-zlib"]})


def delete_libgreet(world):
    world.storage.delete_package("demo", L, Author("anna"))


ROWS = [
    Row(
        "1",
        commit_libgreet,
        [(L, SRC), (G, L_TO_G), (S, L_TO_S)],
        [(L, SRC), (G, L_TO_G)],
        [(L, SRC)],
    ),
    Row(
        "2",
        commit_greet,
        [(G, SRC), (S, "meta change: md5sum greet")],
        [(G, SRC), (S, "meta change: md5sum greet")],
        [(G, SRC)],
    ),
    Row("3", lambda w: w.spec(S, more="#"), [(S, SRC)], [(S, SRC)], [(S, SRC)]),
    Row(
        "4",
        commit_both,
        [
            (L, SRC),
            (G, SRC),
            (S, "meta change: md5sum greet, md5sum greet/libgreet, md5sum greet/libgreet-devel"),
        ],
        [(L, SRC), (G, SRC), (S, "meta change: md5sum greet")],
        [(L, SRC), (G, SRC)],
    ),
    Row(
        "5",
        revert_libgreet,
        [(L, SRC), (G, L_TO_G), (S, L_TO_S)],
        [(L, SRC), (G, L_TO_G)],
        [(L, SRC)],
    ),
    Row(
        "6",
        commit_libgreet,
        [(L, SRC), (G, L_TO_G)],
        [(L, SRC), (G, L_TO_G)],
        [(L, SRC)],
        {G: "unchanged"},
    ),
    Row(
        "7",
        lambda w: w.commit(L, "README", "hello"),
        [(L, SRC), (G, L_TO_G), (S, L_TO_S)],
        [(L, SRC), (G, L_TO_G)],
        [(L, SRC)],
    ),
    Row("8", lambda w: w.spec(L), [], [], []),
    Row("10", lambda w: w.flags(L), [], [], []),
    Row(
        "11",
        lambda w: w.downloaded("gcc"),
        [(L, GCC), (G, GCC), (S, GCC)],
        [(L, GCC), (G, GCC), (S, GCC)],
        [],
    ),
    Row(
        "12",
        lambda w: w.downloaded("zlib"),
        [
            (L, "meta change: md5sum zlib"),
            (G, "meta change: md5sum libgreet-devel/zlib"),
            (S, "meta change: md5sum greet/libgreet-devel/zlib"),
        ],
        [(L, "meta change: md5sum zlib")],
        [],
    ),
    Row("14", lambda w: [w.downloaded(n) for n in ("make", "bash", "rpm")], [], [], []),
    Row("15", lambda w: w.downloaded("unused"), [], [], []),
    Row(
        "16",
        lambda w: (
            w.downloaded("pkgconf"),
            w.downloaded("zlib-devel", {"requires": ["zlib", "pkgconf"]}),
        ),
        [
            (L, "meta change: added pkgconf, md5sum zlib-devel"),
            (
                G,
                "meta change: added libgreet-devel/pkgconf, md5sum libgreet-devel/zlib-devel",
            ),
            (
                S,
                "meta change: added greet/libgreet-devel/pkgconf, "
                "md5sum greet/libgreet-devel/zlib-devel",
            ),
        ],
        [(L, "meta change: added pkgconf, md5sum zlib-devel")],
        [],
    ),
    Row(
        "20",
        lambda w: (
            w.downloaded("zlib-ng", {"provides": ["libz"]}),
            w.downloaded("zlib", {"provides": ["libz"]}),
            w.downloaded("zlib-devel", {"requires": ["libz"]}),
            w.config(CONFIG + "Prefer: zlib\n"),
            w.run(),
            w.config(CONFIG + "Prefer: zlib-ng\n"),
        ),
        [
            (L, "meta change: removed zlib, added zlib-ng"),
            (
                G,
                "meta change: removed libgreet-devel/zlib, added libgreet-devel/zlib-ng",
            ),
            (
                S,
                "meta change: removed greet/libgreet-devel/zlib, "
                "added greet/libgreet-devel/zlib-ng",
            ),
        ],
        [(L, "meta change: removed zlib, added zlib-ng")],
        [],
    ),
    Row(
        "21",
        lambda w: (w.downloaded("ccache"), config("gcc", "gcc ccache")(w)),
        [(n, "meta change: added ccache") for n in (L, G, S)],
        [(n, "meta change: added ccache") for n in (L, G, S)],
        [],
    ),
    Row("22", lambda w: (w.downloaded("sed"), config("make", "make sed")(w)), [], [], []),
    Row(
        "23",
        config("Required: gcc\nSupport: make", "Support: make gcc"),
        [(n, "meta change: removed gcc") for n in (L, G, S)],
        [(n, "meta change: removed gcc") for n in (L, G, S)],
        [],
    ),
    Row(
        "24",
        lambda w: w.config(CONFIG + "Optflags: * -O3\nRelease: 7\nMacros:\n%x 1\n"),
        [],
        [],
        [],
    ),
    Row(
        "27",
        lambda w: w.spec(L, []),
        [
            (L, SRC),
            (
                G,
                "meta change: md5sum libgreet, md5sum libgreet-devel, "
                "removed libgreet-devel/zlib, removed libgreet-devel/zlib-devel",
            ),
            (
                S,
                "meta change: md5sum greet/libgreet, md5sum greet/libgreet-devel, "
                "removed greet/libgreet-devel/zlib, removed greet/libgreet-devel/zlib-devel",
            ),
        ],
        [(L, SRC), (G, L_TO_G)],
        [(L, SRC)],
    ),
    Row(
        "28",
        lambda w: w.spec(G, ["libgreet-devel", "zlib"]),
        [
            (G, SRC),
            (
                S,
                "meta change: md5sum greet, removed greet/libgreet-devel/zlib, added greet/zlib",
            ),
        ],
        [(G, SRC), (S, "meta change: md5sum greet")],
        [(G, SRC)],
    ),
    Row(
        "29",
        fewer_binaries,
        [
            (L, SRC),
            (G, "meta change: md5sum libgreet"),
            (S, "meta change: md5sum greet/libgreet"),
        ],
        [(L, SRC), (G, "meta change: md5sum libgreet")],
        [(L, SRC)],
    ),
    Row("30", rebuild(L), [(L, NEW)], [(L, NEW)], [(L, NEW)]),
    Row(
        "31",
        rebuild(),
        [(L, NEW), (G, NEW), (S, NEW)],
        [(L, NEW), (G, NEW), (S, NEW)],
        [(L, NEW), (G, NEW), (S, NEW)],
    ),
    Row("32", wipe_libgreet, [(L, NEW)], [(L, NEW)], [(L, NEW)]),
    Row(
        "33", lambda w: w.flags(L, off("build")), [], [], [], after={L: "disabled", G: "succeeded"}
    ),
    Row(
        "34",
        disabled_meanwhile,
        [(L, SRC), (G, L_TO_G), (S, L_TO_S)],
        [(L, SRC), (G, L_TO_G)],
        [(L, SRC)],
    ),
    Row(
        "35",
        lambda w: w.flags(L, off("useforbuild")),
        [],
        [],
        [],
        after={L: "succeeded", G: "unresolvable"},
    ),
    Row(
        "36",
        config("Type: spec", f"Type: spec\nBuildFlags: excludebuild:{L}"),
        [],
        [],
        [],
        after={L: "excluded", G: "unresolvable"},
    ),
    Row("36 deleted", delete_libgreet, [], [], [], after={G: "unresolvable", S: "succeeded"}),
    Row("37", lock_greet, [(L, SRC)], [(L, SRC)], [(L, SRC)], after={G: "locked"}),
    Row("38", lambda w: w.flags(L, off("publish")), [], [], []),
    Row("39", lambda w: w.flags(L, on("debuginfo")), [], [], []),
    Row("40", new_repository_last, [], [], []),
    Row(
        "41",
        new_repository_first,
        [(L, GCC), (G, GCC), (S, GCC)],
        [(L, GCC), (G, GCC), (S, GCC)],
        [],
    ),
    Row("46", commit_libgreet, [(L, SRC)], [(L, SRC)], [(L, SRC)], {L: "failed"}),
    Row(
        "47",
        failed_then_zlib,
        [(L, "meta change: md5sum zlib"), (G, None), (S, None)],
        [(L, "meta change: md5sum zlib"), (G, None)],
        [],
    ),
]


@pytest.mark.parametrize("mode", ["transitive", "direct", "local"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_edit(tmp_path, row, mode):
    world = one_repository(tmp_path, mode)
    world.mode = mode
    row.edit(world)
    built = [(package, why) for _, package, why in world.run(**row.results)]
    expected = getattr(row, mode)
    assert [package for package, _ in built] == [package for package, _ in expected]
    for (package, why), (_, wanted) in zip(built, expected, strict=True):
        assert wanted is None or why == wanted, package
    for package, code in row.after.items():
        assert world.code(package)[0] == code
