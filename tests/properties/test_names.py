"""Names: whatever text comes, it is a name that obeys the rules or it is refused."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.errors import InvalidName, InvalidRevision
from storage.names import (
    Architecture,
    FileName,
    GroupName,
    PackageName,
    ProjectName,
    RepositoryName,
    RevisionSpec,
    UserName,
)

KINDS = [
    ProjectName,
    PackageName,
    RepositoryName,
    Architecture,
    FileName,
    UserName,
    GroupName,
]
# The first text drawn in a process loads tables, which takes long on a busy machine.
patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
likely = st.text("ab0:._/-@ \0\n\udcff~", max_size=12) | st.text(max_size=30)


@pytest.mark.parametrize("kind", KINDS)
@patiently
@given(text=likely)
def test_a_name_is_refused_or_safe_to_use(kind: type[ProjectName], text: str) -> None:
    try:
        name = kind.parse(text)
    except InvalidName as error:
        error.message.encode()
        return
    assert name == text and isinstance(name, kind)
    assert name and "/" not in name and len(name) <= 200
    assert not any(ord(c) < 32 or ord(c) == 127 for c in name)
    assert name not in (".", "..")
    name.encode()
    assert kind.parse(name) == name


@patiently
@given(likely)
def test_a_file_name_fits_a_directory_and_is_not_hidden(text: str) -> None:
    try:
        name = FileName.parse(text)
    except InvalidName:
        return
    assert not name.startswith(".")
    assert 0 < len(name.encode()) <= 255


@patiently
@given(likely)
def test_the_parents_of_a_project_are_projects_and_nearest_first(text: str) -> None:
    try:
        name = ProjectName.parse(text)
    except InvalidName:
        return
    parents = name.parents()
    assert [len(parent) for parent in parents] == sorted((len(p) for p in parents), reverse=True)
    for parent in parents:
        assert ProjectName.parse(parent) == parent
        assert name.startswith(parent + ":")


@patiently
@given(st.text("0123456789abcdeflatestupload-\n", max_size=41) | st.text(max_size=41))
def test_a_revision_selector_is_one_of_the_forms_or_refused(text: str) -> None:
    try:
        spec = RevisionSpec.parse(text)
    except InvalidRevision:
        return
    if spec.kind == "number":
        assert text.isascii() and text.isdigit() and spec.number == int(text)
    if spec.checksum:
        assert spec.checksum == text and len(text) in (32, 40)


@patiently
@given(st.integers(0, 10**9 - 1))
def test_every_number_is_a_selector(number: int) -> None:
    assert RevisionSpec.parse(str(number)).number == number
