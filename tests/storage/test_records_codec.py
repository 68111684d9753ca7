"""Dataclasses survive the way through JSON text."""

import json
from dataclasses import dataclass, field, fields
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.model import (
    FlagRule,
    Grant,
    PackageMeta,
    PathEntry,
    ProjectLink,
    ProjectMeta,
    Repository,
)
from storage.records.codec import dumps, loads

texts = st.text(st.characters(), max_size=8)
optional = st.none() | texts
grants = st.builds(Grant, st.sampled_from(["person", "group"]), texts, texts)
flags = st.builds(FlagRule, texts, st.booleans(), optional, optional)
paths = st.builds(PathEntry, texts, texts, optional)
repositories = st.builds(
    Repository,
    texts,
    st.lists(texts, max_size=3).map(tuple),
    st.lists(paths, max_size=3).map(tuple),
    texts,
    texts,
    texts,
    st.lists(paths, max_size=2).map(tuple),
    st.lists(paths, max_size=2).map(tuple),
    st.lists(st.dictionaries(texts, texts | st.integers(), max_size=2), max_size=2).map(tuple),
)
project_metas = st.builds(
    ProjectMeta,
    name=texts,
    title=texts,
    links=st.lists(st.builds(ProjectLink, texts, optional), max_size=2).map(tuple),
    grants=st.lists(grants, max_size=3).map(tuple),
    flags=st.lists(flags, max_size=3).map(tuple),
    repositories=st.lists(repositories, max_size=3).map(tuple),
    maintains=st.lists(texts, max_size=2).map(tuple),
)
package_metas = st.builds(
    PackageMeta,
    name=texts,
    project=texts,
    description=texts,
    devel=st.none() | st.tuples(texts, texts),
    grants=st.lists(grants, max_size=3).map(tuple),
    flags=st.lists(flags, max_size=3).map(tuple),
)


@given(project_metas)
def test_project_metas_round_trip(meta):
    assert loads(ProjectMeta, dumps(meta)) == meta


@given(package_metas)
def test_package_metas_round_trip(meta):
    assert loads(PackageMeta, dumps(meta)) == meta


@given(project_metas | package_metas)
def test_text_is_plain_ascii_for_every_database(meta):
    text = dumps(meta)
    assert text.isascii()
    assert "\0" not in text


def test_defaults_are_left_out():
    assert dumps(ProjectMeta("a")) == '{"name":"a"}'
    assert dumps(FlagRule("build", True, arch="i586")) == (
        '{"flag":"build","enable":true,"arch":"i586"}'
    )


def test_unknown_keys_are_ignored_and_missing_ones_take_their_default():
    meta = loads(ProjectMeta, '{"name":"a","from_the_future":[1],"title":"t"}')
    assert meta == ProjectMeta("a", title="t")


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Box:
    colour: Colour
    pair: tuple[str, Colour]
    maybe: Colour | None = None
    many: tuple[Colour, ...] = ()
    loose: dict[str, object] = field(default_factory=dict)


def test_enums_and_tuples_come_back_as_such():
    box = Box(Colour.RED, ("x", Colour.RED), Colour.RED, (Colour.RED,), {"a": {"b": [1]}})
    again = loads(Box, dumps(box))
    assert again == box
    assert type(again.colour) is type(again.maybe) is type(again.many[0]) is Colour
    assert type(again.pair) is type(again.many) is tuple
    assert json.loads(dumps(box))["colour"] == "red"


@dataclass(frozen=True)
class Odd:
    when: complex


def test_a_type_without_a_json_form_is_refused():
    assert fields(Odd)
    with pytest.raises(TypeError, match="no JSON form"):
        loads(Odd, "{}")
