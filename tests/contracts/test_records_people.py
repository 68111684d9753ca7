"""Accounts, groups, tokens and roles in the records."""

from dataclasses import replace

import pytest

from storage.errors import AlreadyExists, UnknownGroup, UnknownUser
from storage.model import Account, Grant, Group
from tests.contracts.making import package, project


def test_an_account_comes_back_as_it_was_made(records):
    with records.begin() as unit:
        made = unit.accounts.create("anna", "a@x", "Anna Ö", "hash", True, "locked", 9)
    with records.read() as unit:
        assert unit.accounts.get("anna") == made == unit.accounts.by_id(made.id)
        assert made == Account(made.id, "anna", "a@x", "Anna Ö", "locked", True, 9)
        assert unit.accounts.password_hash("anna") == "hash"


def test_unknown_accounts_are_said_to_be_unknown(records):
    with records.begin() as unit:
        assert unit.accounts.find("anna") is None
        assert unit.accounts.password_hash("anna") is None
        for ask in (
            lambda: unit.accounts.get("anna"),
            lambda: unit.accounts.by_id(2**70),
            lambda: unit.accounts.update(4, email="x"),
            lambda: unit.accounts.set_password(4, "x"),
            lambda: unit.accounts.set_preferences(4, {}),
        ):
            with pytest.raises(UnknownUser):
                ask()


def test_a_login_is_taken_once_and_told_apart_by_case(records):
    with records.begin() as unit:
        unit.accounts.create("anna")
        with pytest.raises(AlreadyExists):
            unit.accounts.create("anna")
        unit.accounts.create("Anna")
        assert unit.accounts.list() == ["Anna", "anna"]


def test_accounts_change_field_by_field(records):
    with records.begin() as unit:
        made = unit.accounts.create("anna", "a@x")
        changed = unit.accounts.update(made.id, state="deleted", is_admin=True)
        assert changed == replace(made, state="deleted", is_admin=True)
        unit.accounts.set_password(made.id, "new")
        assert unit.accounts.password_hash("anna") == "new"
        unit.accounts.set_password(made.id, None)
        assert unit.accounts.password_hash("anna") is None
        with pytest.raises(TypeError):
            unit.accounts.update(made.id, shoe_size=40)


def test_preferences_belong_to_one_account(records):
    with records.begin() as unit:
        anna, bert = unit.accounts.create("anna"), unit.accounts.create("bert")
        unit.accounts.set_preferences(anna.id, {"watch": ["a", "b"]})
        assert unit.accounts.preferences(anna.id) == {"watch": ["a", "b"]}
        assert unit.accounts.preferences(bert.id) == {}


def test_logins_are_listed_by_prefix_and_page(records):
    with records.begin() as unit:
        for login in ("anna", "annabel", "bert", "Anton"):
            unit.accounts.create(login)
        assert unit.accounts.list("ann") == ["anna", "annabel"]
        assert unit.accounts.list("", 2) == ["Anton", "anna"]
        assert unit.accounts.list("", 2, after="anna") == ["annabel", "bert"]


def test_a_group_keeps_the_order_of_its_people(records):
    with records.begin() as unit:
        made = unit.groups.create("qa", "qa@x", ["zoe", "anna", "zoe"], ["bert"])
        assert made == Group(made.id, "qa", "qa@x", ("zoe", "anna"), ("bert",))
        changed = replace(made, members=("carl",), maintainers=("carl", "anna"), email="")
        assert unit.groups.put(changed) == changed == unit.groups.get("qa")
        with pytest.raises(AlreadyExists):
            unit.groups.create("qa")


def test_groups_are_found_by_person_and_prefix(records):
    with records.begin() as unit:
        unit.groups.create("qa", members=["anna"])
        unit.groups.create("devs", maintainers=["anna"], members=["anna", "bert"])
        unit.groups.create("quiet")
        assert unit.groups.of_account("anna") == ["devs", "qa"]
        assert unit.groups.list() == ["devs", "qa", "quiet"]
        assert unit.groups.list("q") == ["qa", "quiet"]
        assert unit.groups.list("q", "anna") == ["qa"]
        assert unit.groups.list(limit=1, after="devs") == ["qa"]


def test_a_forgotten_group_is_unknown(records):
    with records.begin() as unit:
        made = unit.groups.create("qa", members=["anna"])
        unit.groups.delete("qa")
        assert unit.groups.of_account("anna") == []
        for ask in (
            lambda: unit.groups.get("qa"),
            lambda: unit.groups.put(made),
            lambda: unit.groups.delete("qa"),
        ):
            with pytest.raises(UnknownGroup):
                ask()


def test_a_token_is_found_by_its_public_half(records):
    with records.begin() as unit:
        anna = unit.accounts.create("anna")
        made = unit.tokens.create(
            anna.id, "api", "pub", "hash", ["read", "build"], "home:anna", "laptop", 99, 5
        )
    with records.read() as unit:
        assert unit.tokens.by_login("pub") == (made, "hash")
        assert unit.tokens.by_login("other") is None
        assert (made.scopes, made.project, made.expires_at) == (("read", "build"), "home:anna", 99)
        assert (made.created_at, made.last_used_at) == (5, None)


def test_tokens_are_listed_used_and_revoked(records):
    with records.begin() as unit:
        anna, bert = unit.accounts.create("anna"), unit.accounts.create("bert")
        api = unit.tokens.create(anna.id, "api", "one", "h")
        copr = unit.tokens.create(anna.id, "copr", "two", "h")
        unit.tokens.create(bert.id, "api", "three", "h")
        assert unit.tokens.of_account(anna.id) == [api, copr]
        assert unit.tokens.of_account(anna.id, "copr") == [copr]
        unit.tokens.touch(api.id, 77)
        assert unit.tokens.by_login("one")[0].last_used_at == 77
        assert unit.tokens.delete(api.id)
        assert not unit.tokens.delete(api.id)
        assert unit.tokens.by_login("one") is None
        with pytest.raises(AlreadyExists):
            unit.tokens.create(bert.id, "api", "two", "h")


@pytest.fixture
def house(records):
    """a (anna maintains, qa reviews) > a:b (bert downloads) with package hello (carl bugowns)."""
    with records.begin() as unit:
        unit.groups.create("qa", members=["dora"], maintainers=["emil"])
        grants = (Grant("person", "anna", "maintainer"), Grant("group", "qa", "reviewer"))
        project(unit, "a", grants=grants)
        child = project(unit, "a:b", grants=(Grant("person", "bert", "downloader"),))
        package(unit, child, "hello", grants=(Grant("person", "carl", "bugowner"),))
        package(unit, child, "other", grants=(Grant("person", "carl", "maintainer"),))
        return child


def test_roles_come_from_the_package_its_project_and_every_parent(records, house):
    with records.read() as unit:
        assert unit.roles.roles_of("anna", "a:b", "hello") == {"maintainer"}
        assert unit.roles.roles_of("anna", "a:b:new") == {"maintainer"}
        assert unit.roles.roles_of("bert", "a:b", "hello") == {"downloader"}
        assert unit.roles.roles_of("bert", "a") == set()
        assert unit.roles.roles_of("carl", "a:b", "hello") == {"bugowner"}
        assert unit.roles.roles_of("carl", "a:b", "missing") == set()
        assert unit.roles.roles_of("carl", "a:b") == set()
        assert unit.roles.roles_of("carl", "ab", "hello") == set()


def test_roles_come_through_groups(records, house):
    with records.begin() as unit:
        assert unit.roles.roles_of("dora", "a:b", "hello") == {"reviewer"}
        assert unit.roles.roles_of("emil", "a") == {"reviewer"}
        assert unit.roles.roles_of("qa", "a") == set()
        unit.groups.delete("qa")
        assert unit.roles.roles_of("dora", "a") == set()


def test_roles_follow_the_metas_and_the_living(records, house):
    with records.begin() as unit:
        hello = unit.packages.get("a:b", "hello")
        grants = (Grant("person", "anna", "reader"),)
        unit.packages.update_meta(hello.id, replace(hello.meta, grants=grants))
        assert unit.roles.roles_of("carl", "a:b", "hello") == set()
        assert unit.roles.roles_of("anna", "a:b", "hello") == {"maintainer", "reader"}
        unit.packages.mark_deleted(hello.id, 5)
        assert unit.roles.roles_of("anna", "a:b", "hello") == {"maintainer"}
        unit.projects.mark_deleted(unit.projects.get("a").id, 5)
        assert unit.roles.roles_of("anna", "a:b", "hello") == set()


def test_objects_are_found_by_role(records, house):
    with records.read() as unit:
        assert unit.roles.projects_where("anna", "maintainer") == ["a"]
        assert unit.roles.projects_where("dora", "reviewer") == ["a"]
        assert unit.roles.projects_where("carl", "maintainer") == []
        assert unit.roles.packages_where("carl", "maintainer") == [("a:b", "other")]


def test_grants_of_several_projects_come_at_once(records, house):
    with records.read() as unit:
        found = unit.roles.grants_for("carl", ["qa"], ["a", "a:b"])
        assert sorted(found, key=str) == [
            ("a", None, "reviewer"),
            ("a:b", "hello", "bugowner"),
            ("a:b", "other", "maintainer"),
        ]
        assert unit.roles.grants_for("carl", [], []) == []
