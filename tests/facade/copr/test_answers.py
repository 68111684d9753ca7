"""Every path below /api_3 answers JSON, with and without a slash, whatever happens."""

import base64

import pytest

from facade.copr.routes import ROUTES

from .conftest import Copr, error, ok

LOGIN_TEXT = (
    "Login invalid/expired. Please visit https://copr.example.com/api"
    " to get or renew your API token."
)


@pytest.mark.parametrize("path", ["/nonsense", "/build/abc", "/package/add/a/b/c/d/e", "/docs"])
def test_an_unknown_path_is_json(anybody, path):
    assert error(anybody.get(path)) == (404, "Such API endpoint doesn't exist")


@pytest.mark.parametrize("path", ["/package/build", "/package/build/"])
def test_a_wrong_verb_is_json(anybody, path):
    text = "The method is not allowed for the requested URL."
    assert error(anybody.call("PATCH", path)) == (405, text)


@pytest.mark.parametrize("slash", ["", "/"])
def test_both_spellings_answer_directly(anybody, slash):
    assert ok(anybody.get(f"/mock-chroots/list{slash}"))["epel-9-x86_64"] == ""
    assert ok(anybody.get(slash)) == {"version": 3}


def test_a_crash_is_json(anybody, street, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(street.house.records), "read", broken)
    status, text = error(anybody.get("/project", ownername="a", projectname="b"))
    assert status == 500
    assert "secret" not in text


@pytest.mark.parametrize(
    "header",
    [
        "Basic " + base64.b64encode(b"alice-token:wrong").decode(),
        "Basic " + base64.b64encode(b"nobody:x").decode(),
        "Basic %%%",
        "Basic",
        "Bearer abc",
    ],
)
def test_wrong_or_malformed_credentials_are_401(street, alice, header):
    response = street.app.test_client().get("/api_3/auth-check", headers={"Authorization": header})
    assert response.status_code == 401
    assert response.json == {"output": "notok", "error": LOGIN_TEXT}


@pytest.mark.parametrize("route", [route for route in ROUTES if route.login], ids=lambda r: r.rule)
def test_calls_that_need_a_login_say_so_first(anybody, route):
    path = route.rule.replace("<int:build_id>", "1")
    for part in ("ownername", "projectname", "package_name", "source_type_text", "chrootname"):
        path = path.replace(f"<{part}>", "x")
    assert error(anybody.call(route.method, path)) == (401, LOGIN_TEXT)


def test_old_verbs_work_and_are_warned_of(alice):
    alice.project()
    response = alice.post("/project/delete/alice/demo", {"verify": True})
    assert ok(response)["name"] == "demo"
    warning = "This method is deprecated: Use DELETE method instead of POST"
    assert response.headers["Warning"] == warning


def test_an_expired_token_does_not_log_in(street, alice):
    with street.house.records.begin() as unit:
        token = unit.tokens.by_login("alice-token")[0]
        unit.tokens.delete(token.id)
        unit.tokens.create(
            token.account_id, "copr", "alice-token", _hash(), expires_at=int(street.house.clock())
        )
    assert alice.get("/auth-check").status_code == 401


def _hash():
    from storage.secrets import hash_secret

    from .conftest import SECRET

    return hash_secret(SECRET)


def test_a_token_is_renewed_and_the_old_one_is_dead(street, alice):
    fresh = ok(alice.post("/api-token"))
    assert set(fresh) == {"api_login", "api_token", "expiration"}
    assert alice.get("/auth-check").status_code == 401
    renewed = Copr(street, None)
    pair = base64.b64encode(f"{fresh['api_login']}:{fresh['api_token']}".encode()).decode()
    shown = ok(renewed.call("GET", "/auth-check", headers={"Authorization": f"Basic {pair}"}))
    assert shown["name"] == "alice"


def test_the_token_of_the_client_opens_with_the_account_password_too(street, alice):
    response = street.person("carol").get("/api_3/auth-check")
    assert response.json["name"] == "carol"


def test_a_closed_house_shows_nothing_to_strangers(tmp_path):
    from tests.facade.houses import Street

    street = Street(
        tmp_path / "closed", anonymous_read=False, chroots={"a-1-x86_64": {"kind": "host"}}
    )
    try:
        assert Copr(street, None).get("/project/list").status_code == 401
    finally:
        street.close()
