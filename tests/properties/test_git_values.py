"""Laws of the small formats git storage is made of."""

from __future__ import annotations

import hashlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.errors import Damaged, InvalidName
from storage.git.attributes import attributes_line, merged_attributes
from storage.git.commits import (
    Trailers,
    build_commit,
    clean_comment,
    compose_message,
    parse_commit,
    split_message,
)
from storage.git.largefiles import Pointer, parse_pointer
from storage.git.listings import Fact, make_listing, srcmd5_of
from storage.git.trees import FlatTree, Slot, parse_tree
from storage.model import Author
from storage.names import FileName

# The first text drawn in a process loads tables, which takes long on a busy machine.
patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

hex40 = st.binary(min_size=20, max_size=20).map(bytes.hex)
hex32 = st.binary(min_size=16, max_size=16).map(bytes.hex)


@st.composite
def file_names(draw: st.DrawFn) -> str:
    text = draw(st.text(min_size=1, max_size=40))
    try:
        return FileName.parse(text)
    except InvalidName:
        return "f" + str(draw(st.integers(0, 99)))


slots = st.builds(Slot, hex40, st.sampled_from([0o100644, 0o100755]))
trees = st.dictionaries(file_names(), slots, max_size=12).map(FlatTree)


@patiently
@given(trees)
def test_a_tree_comes_back_as_it_was_written(tree: FlatTree) -> None:
    assert FlatTree.parse(tree.serialise()).slots == tree.slots


@patiently
@given(trees)
def test_a_tree_is_written_in_byte_order(tree: FlatTree) -> None:
    found = [entry.name for entry in parse_tree(tree.serialise())]
    assert found == sorted(found)


@patiently
@given(st.binary(max_size=200))
def test_parsing_rubbish_as_a_tree_fails_in_one_way_only(data: bytes) -> None:
    try:
        FlatTree.parse(data)
    except Damaged:
        pass


@patiently
@given(trees, file_names(), hex40)
def test_setting_and_removing_a_file_touches_only_that_file(
    tree: FlatTree, name: str, blob: str
) -> None:
    changed = tree.with_files({name: blob})
    assert changed.slots[name].oid == blob
    others = {n: s for n, s in tree.slots.items() if n != name}
    assert changed.without(name).slots == tree.without(name).slots == others


@patiently
@given(st.dictionaries(file_names(), hex32, max_size=12))
def test_srcmd5_is_the_sum_over_lines_in_byte_order(lines: dict[str, str]) -> None:
    text = b"".join(f"{lines[name]}  {name}\n".encode() for name in sorted(lines, key=str.encode))
    assert srcmd5_of(lines.items()) == hashlib.md5(text).hexdigest()


@patiently
@given(trees)
def test_a_listing_shows_each_file_once_and_in_byte_order(tree: FlatTree) -> None:
    facts = {slot.oid: Fact("0" * 32, 1) for slot in tree.slots.values()}
    listing = make_listing("0" * 40, tree, facts, 5)
    shown = [entry.name for entry in listing.entries]
    assert shown == sorted(tree.slots, key=str.encode)
    assert {entry.mtime for entry in listing.entries} <= {5}


comments = st.text(max_size=200).map(lambda text: clean_comment(text, 500))
words = st.text("abcdefgh-_.1234", min_size=1, max_size=20)
trailers = st.builds(Trailers, words, st.none() | words, st.none() | words)


@patiently
@given(comments, trailers)
def test_comment_and_trailers_come_back_from_the_message(comment: str, noted: Trailers) -> None:
    assert split_message(compose_message(comment, noted)) == (comment, noted)


@patiently
@given(comments, comments, trailers)
def test_a_comment_cannot_forge_trailers(forged: str, comment: str, noted: Trailers) -> None:
    evil = compose_message(forged, Trailers("admin", "1", "stolen"))
    assert split_message(compose_message(comment + evil, noted))[1] == noted


@patiently
@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30), comments)
def test_no_author_can_break_out_of_the_author_line(
    login: str, realname: str, email: str, comment: str
) -> None:
    data = build_commit("a" * 40, ("b" * 40,), Author(login, realname, email), comment, 1000)
    commit = parse_commit("c" * 40, data)
    assert (commit.tree, commit.parents, commit.time) == ("a" * 40, ("b" * 40,), 1000)
    assert commit.message == comment


@patiently
@given(st.text(max_size=100), st.integers(0, 60))
def test_a_clean_comment_fits_and_stays_clean(text: str, limit_bytes: int) -> None:
    cleaned = clean_comment(text, limit_bytes)
    assert len(cleaned.encode()) <= limit_bytes
    assert clean_comment(cleaned, limit_bytes) == cleaned
    assert "\0" not in cleaned


@patiently
@given(st.binary(min_size=32, max_size=32), st.integers(0, 1 << 50))
def test_a_pointer_comes_back_as_it_was_written(raw: bytes, size: int) -> None:
    pointer = Pointer(raw.hex(), size)
    assert parse_pointer(pointer.text()) == pointer


@patiently
@given(st.binary(max_size=200))
def test_hardly_anything_is_a_pointer(data: bytes) -> None:
    assert parse_pointer(data) is None


@patiently
@given(st.lists(file_names(), max_size=6, unique=True), st.lists(file_names(), max_size=6))
def test_attributes_follow_the_large_files_and_nothing_else(
    before: list[str], after: list[str]
) -> None:
    foreign = b"*.spec text=auto\n"
    once = merged_attributes(foreign, before)
    twice = merged_attributes(once, after)
    assert twice == merged_attributes(foreign, after)
    assert merged_attributes(twice, []) == foreign
    assert all("\n" not in attributes_line(name) for name in before)
