"""Whatever a meta says comes back when it was written and read again."""

from hypothesis import given, settings
from hypothesis import strategies as st

from facade.obs.meta import (
    parse_package_meta,
    parse_project_meta,
    render_package_meta,
    render_project_meta,
)
from facade.obs.metashapes import ARCHITECTURES, BLOCK, KINDS, LINKEDBUILD, REBUILD, ROLES
from storage.flags import DEFAULTS, UNQUALIFIED, resolve
from storage.model import (
    FlagRule,
    Grant,
    PackageMeta,
    PathEntry,
    ProjectLink,
    ProjectMeta,
    Repository,
)

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")) | st.just("\n"),
    max_size=40,
)
NAMES = st.text(st.sampled_from("abcXYZ012.-+~%&<>'\""), min_size=1, max_size=12).filter(
    lambda s: s[0] not in "._" and s != "0"
)
PROJECTS = st.lists(NAMES, min_size=1, max_size=3).map(":".join)
ARCH = st.sampled_from(sorted(ARCHITECTURES))
GRANTS = st.lists(
    st.builds(Grant, st.sampled_from(["person", "group"]), NAMES, st.sampled_from(sorted(ROLES))),
    max_size=4,
    unique=True,
).map(lambda found: tuple(sorted(found, key=lambda g: g.subject != "person")))


def _rules(flags: list[str]) -> st.SearchStrategy[tuple[FlagRule, ...]]:
    def rule(flag: str) -> st.SearchStrategy[FlagRule]:
        if flag in UNQUALIFIED:
            return st.builds(FlagRule, st.just(flag), st.booleans())
        return st.builds(
            FlagRule, st.just(flag), st.booleans(), st.none() | NAMES, st.none() | ARCH
        )

    def tidy(found: list[FlagRule]) -> tuple[FlagRule, ...]:
        order = list(DEFAULTS)
        once = {(r.flag, r.enable, r.repository, r.arch): r for r in found}.values()
        return tuple(sorted(once, key=lambda r: order.index(r.flag)))

    return st.lists(st.sampled_from(flags).flatmap(rule), max_size=5).map(tidy)


PLACES = st.lists(st.builds(PathEntry, PROJECTS, NAMES), max_size=3).map(tuple)
REPOSITORIES = st.lists(
    st.builds(
        Repository,
        name=NAMES,
        arches=st.lists(ARCH, max_size=3, unique=True).map(tuple),
        paths=PLACES,
        block=st.sampled_from(sorted(BLOCK)),
        rebuild=st.sampled_from(sorted(REBUILD)),
        linkedbuild=st.sampled_from(sorted(LINKEDBUILD)),
        releasetargets=st.lists(
            st.builds(PathEntry, PROJECTS, NAMES, st.sampled_from([None, "manual"])), max_size=2
        ).map(tuple),
        hostsystems=PLACES,
    ),
    max_size=3,
    unique_by=lambda r: r.name,
).map(tuple)
PROJECT_METAS = st.builds(
    ProjectMeta,
    name=PROJECTS,
    title=TEXT,
    description=TEXT,
    url=TEXT,
    kind=st.sampled_from(sorted(KINDS)),
    remoteurl=TEXT,
    remoteproject=TEXT,
    scmsync=TEXT,
    devel=st.just("") | PROJECTS,
    links=st.lists(
        st.builds(ProjectLink, PROJECTS, st.sampled_from([None, "unextend", "extend"])), max_size=2
    ).map(tuple),
    grants=GRANTS,
    flags=_rules(list(DEFAULTS)),
    repositories=REPOSITORIES,
    maintains=st.lists(PROJECTS, max_size=2).map(tuple),
)
PACKAGE_METAS = st.builds(
    PackageMeta,
    name=NAMES,
    project=PROJECTS,
    title=TEXT,
    description=TEXT,
    url=TEXT,
    releasename=TEXT,
    bcntsynctag=TEXT,
    scmsync=TEXT,
    devel=st.none() | st.tuples(PROJECTS, NAMES),
    grants=GRANTS,
    flags=_rules([flag for flag in DEFAULTS if flag != "access"]),
)


@settings(max_examples=60)
@given(PROJECT_METAS)
def test_a_project_meta_survives_its_document(meta: ProjectMeta) -> None:
    raw = render_project_meta(meta)
    assert parse_project_meta(raw) == meta
    assert render_project_meta(parse_project_meta(raw)) == raw


@settings(max_examples=60)
@given(PACKAGE_METAS)
def test_a_package_meta_survives_its_document(meta: PackageMeta) -> None:
    raw = render_package_meta(meta)
    assert parse_package_meta(raw) == meta
    assert render_package_meta(parse_package_meta(raw)) == raw


@given(_rules(["build"]), st.booleans(), st.none() | NAMES, st.none() | ARCH)
def test_a_flag_is_decided_by_its_best_rules(
    rules: tuple[FlagRule, ...], default: bool, repository: str | None, arch: str | None
) -> None:
    def score(rule: FlagRule) -> int:
        return 4 * (rule.repository is not None) + 2 * (rule.arch is not None)

    fitting = [r for r in rules if r.repository in (None, repository) and r.arch in (None, arch)]
    found = resolve(rules, "build", default, repository, arch)
    if not fitting:
        assert found is default
        return
    best = max(map(score, fitting))
    words = {r.enable for r in fitting if score(r) == best}
    assert found is (words == {True})
