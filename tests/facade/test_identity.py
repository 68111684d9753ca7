import base64

import pytest

from facade import tokens
from facade.passwords import PasswordChecker
from storage import passwords
from tests.facade.houses import PASSWORD, Caller, Street, fast_directory


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory):
    street = Street(fast_directory(tmp_path_factory.mktemp("identity")))
    for login, state in (("anna", "confirmed"), ("lou", "locked"), ("una", "unconfirmed")):
        street.person(login, state=state)
    street.project("home:anna", "<person userid='anna' role='maintainer'/>")
    street.project("home:anna:other", "<person userid='anna' role='maintainer'/>")
    yield street
    street.close()


def _issue(street: Street, login: str, kind: str, **options: object) -> tokens.IssuedToken:
    with street.house.records.begin() as unit:
        account = unit.accounts.get(login)
        return tokens.issue(unit, account.id, kind, **options)


def _status(street: Street, header: str | None) -> int:
    headers = {} if header is None else {"Authorization": header}
    return street.app.test_client().get("/source", headers=headers).status_code


def _basic(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + base64.b64encode(b"anna").decode(),
        "Basic " + base64.b64encode(b":" + PASSWORD.encode()).decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"anna\0:x").decode(),
        "Bearer " + PASSWORD,
        "Signature keyId=x",
        "Token x",
        _basic(b"anna:wrong"),
        _basic(b"nobody:" + PASSWORD.encode()),
        _basic(b"anna:" + b"x" * 4000),
        _basic(b"anna:"),
        _basic(b"Anna:" + PASSWORD.encode()),
    ],
)
def test_wrong_or_missing_credentials_are_challenged(street: Street, header: str | None) -> None:
    assert _status(street, header) == 401


def test_a_right_password_lets_in(street: Street) -> None:
    assert _status(street, _basic(b"anna:" + PASSWORD.encode())) == 200
    lower = "basic " + base64.b64encode(b"anna:" + PASSWORD.encode()).decode()
    assert _status(street, lower) == 200


def test_inactive_accounts_are_told_so_only_with_their_password(street: Street) -> None:
    for login, code in (("lou", "inactive_user"), ("una", "unconfirmed_user")):
        response = Caller(street.app, login).get("/source")
        assert (response.status_code, response.headers["X-Opensuse-Errorcode"]) == (403, code)
        assert Caller(street.app, login, "wrong").get("/source").status_code == 401


def test_wrong_credentials_fail_even_where_none_are_needed(street: Street) -> None:
    assert Caller(street.app, "anna", "wrong").get("/about").status_code == 401
    assert street.anonymous().get("/about").status_code == 200


def test_an_api_token_is_a_password_of_its_own_account(street: Street) -> None:
    issued = _issue(street, "anna", "api")
    assert Caller(street.app, "anna", issued.secret).get("/source").status_code == 200
    assert Caller(street.app, "Admin", issued.secret).get("/source").status_code == 401
    assert Caller(street.app, issued.token.login, issued.secret).get("/source").status_code == 401


def test_a_copr_token_comes_with_its_own_login(street: Street) -> None:
    issued = _issue(street, "anna", "copr")
    assert Caller(street.app, issued.token.login, issued.secret).get("/source").status_code == 200
    assert Caller(street.app, "anna", issued.secret).get("/source").status_code == 401
    assert Caller(street.app, issued.token.login, "wrong").get("/source").status_code == 401


def test_only_the_hash_of_a_secret_is_kept(street: Street) -> None:
    issued = _issue(street, "anna", "api")
    with street.house.records.read() as unit:
        found = unit.tokens.by_login(issued.token.login)
    assert found is not None
    assert issued.secret not in repr(found)


def test_an_expired_token_is_over(street: Street) -> None:
    now = int(street.house.clock())
    late = _issue(street, "anna", "copr", expires_at=now - 1)
    good = _issue(street, "anna", "copr", expires_at=now + 1000)
    assert Caller(street.app, late.token.login, late.secret).get("/source").status_code == 401
    assert Caller(street.app, good.token.login, good.secret).get("/source").status_code == 200


def test_a_used_token_remembers_when(street: Street) -> None:
    issued = _issue(street, "anna", "copr")
    Caller(street.app, issued.token.login, issued.secret).get("/source")
    with street.house.records.read() as unit:
        found = unit.tokens.by_login(issued.token.login)
    assert found is not None
    assert found[0].last_used_at is not None


def test_a_revoked_token_is_over(street: Street) -> None:
    issued = _issue(street, "anna", "api")
    caller = Caller(street.app, "anna", issued.secret)
    assert caller.get("/source").status_code == 200
    with street.house.records.begin() as unit:
        unit.tokens.delete(issued.token.id)
    assert caller.get("/source").status_code == 401


def test_a_token_of_a_locked_account_does_not_help(street: Street) -> None:
    issued = _issue(street, "lou", "copr")
    assert Caller(street.app, issued.token.login, issued.secret).get("/source").status_code == 403


def test_a_reading_token_does_not_write(street: Street) -> None:
    reading = Caller(street.app, "anna", _issue(street, "anna", "api", scopes=["read"]).secret)
    body = "<package name='p' project='home:anna'/>"
    assert reading.get("/source/home:anna").status_code == 200
    assert reading.put("/source/home:anna/p/_meta", body).status_code == 403
    assert reading.post("/build/home:anna?cmd=rebuild").status_code == 403
    writing = Caller(street.app, "anna", _issue(street, "anna", "api", scopes=["write"]).secret)
    assert writing.put("/source/home:anna/p/_meta", body).status_code == 200


def test_a_token_of_one_project_stays_there(street: Street) -> None:
    secret = _issue(street, "anna", "api", project="home:anna").secret
    caller = Caller(street.app, "anna", secret)
    body = "<package name='q' project='{}'/>"
    url = "/source/{}/q/_meta"
    assert caller.put(url.format("home:anna"), body.format("home:anna")).status_code == 200
    other = "home:anna:other"
    assert caller.put(url.format(other), body.format(other)).status_code == 403


def test_a_weaker_token_does_not_become_a_password(street: Street) -> None:
    for options in ({"scopes": ["write"]}, {"project": "home:anna"}):
        caller = Caller(street.app, "anna", _issue(street, "anna", "api", **options).secret)
        assert caller.post("/person/anna?cmd=change_password", "mine").status_code == 403
        assert caller.post("/person/anna/token?cmd=create").status_code == 403
        assert caller.put("/person/anna", "<person/>").status_code == 403


def test_a_token_of_an_administrator_is_one_only_with_that_scope(street: Street) -> None:
    weak = Caller(street.app, "Admin", _issue(street, "Admin", "api", scopes=["write"]).secret)
    strong = Caller(street.app, "Admin", _issue(street, "Admin", "api", scopes=["admin"]).secret)
    assert weak.get("/source?deleted=1").status_code == 403
    assert strong.get("/source?deleted=1").status_code == 200


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_verified_password_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, calls = Clock(), []
    real = passwords.verify

    def counting(hash_text: str | None, password: str) -> bool:
        calls.append(password)
        return real(hash_text, password)

    monkeypatch.setattr(passwords, "verify", counting)
    checker = PasswordChecker(clock)
    kept = passwords.hash("right")
    assert [checker.verify("right", kept) for _ in range(3)] == [True] * 3
    assert len(calls) == 1
    assert not checker.verify("wrong", kept)
    assert not checker.verify("wrong", kept)
    assert len(calls) == 3
    clock.now += 10_000
    assert checker.verify("right", kept)
    assert len(calls) == 4


def test_the_memory_does_not_outlive_the_password() -> None:
    checker = PasswordChecker()
    assert checker.verify("old", passwords.hash("old"))
    assert not checker.verify("old", passwords.hash("new"))
    assert not checker.verify("old", None)


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "verify", lambda hash_text, password: True)
    checker = PasswordChecker()
    for number in range(6000):
        checker.verify(f"p{number}", "hash")
    assert len(checker._verified) <= 4096
