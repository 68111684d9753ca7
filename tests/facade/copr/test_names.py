"""Which project a Copr name means, and the other way round."""

import pytest

from facade.copr.names import FullName, full_name, prefixes_of

SAYABLE = {
    "home:anna:tools": FullName("anna", "tools"),
    "group:qa:tools": FullName("@qa", "tools"),
    "Base:Tools": FullName("Base", "Tools"),
    "home:anna:tools:custom:x": FullName("anna", "tools", "custom:x"),
    "home:anna:tools:pr:fix-12": FullName("anna", "tools", "pr:fix-12"),
    "Debian:12": FullName("Debian", "12"),
    "home:home:x": FullName("home", "x"),
}
UNSAYABLE = ["home:anna", "Base", "a:b:c", "home:anna:tools:sub", "group:qa", "home:a:b c"]


@pytest.mark.parametrize("project", SAYABLE)
def test_a_name_and_its_project_stand_for_each_other(project):
    name = SAYABLE[project]
    assert full_name(project) == name
    assert project in list(name.candidates())


@pytest.mark.parametrize("project", UNSAYABLE)
def test_a_project_with_other_parts_cannot_be_said(project):
    assert full_name(project) is None


def test_a_personal_project_wins_over_another_of_the_same_copr_name():
    assert list(FullName("Base", "Tools").candidates()) == ["home:Base:Tools", "Base:Tools"]


@pytest.mark.parametrize("name", ["a:b", "a/b", "", "a b", "..", "_x"])
def test_names_that_no_project_can_have_mean_nothing(name):
    assert list(FullName("anna", name).candidates()) == []


@pytest.mark.parametrize(
    "directory", ["x", "custom:", "custom:a:b", "pr:x", "other:1", "custom:_x"]
)
def test_directories_have_two_forms_only(directory):
    assert list(FullName("anna", "tools", directory).candidates()) == []


def test_an_owner_has_personal_and_plain_projects():
    assert prefixes_of("anna") == ("home:anna:", "anna:")
    assert prefixes_of("@qa") == ("group:qa:",)
    assert prefixes_of("home") == ("home:home:",)
