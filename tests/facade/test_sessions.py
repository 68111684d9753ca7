from pathlib import Path

import pytest

from facade.sessions import COOKIE, Sessions, load_key
from tests.facade.houses import PASSWORD, Caller, Street

OSC = {"User-Agent": "osc/1.28.0"}


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_session_is_good_for_its_password_and_an_hour() -> None:
    clock = Clock()
    sessions = Sessions(b"k" * 32, clock)
    value = sessions.issue(7, "hash")
    assert sessions.claimed(value) == 7
    assert sessions.is_good(value, "hash")
    assert not sessions.is_good(value, "other hash")
    assert not Sessions(b"l" * 32, clock).is_good(value, "hash")
    clock.now += 3601
    assert sessions.claimed(value) is None


@pytest.mark.parametrize(
    "change", [("7.", "8."), (".1003600.", ".9993600."), ("7.", "07."), ("7.", "\u0667.")]
)
def test_a_changed_session_is_not_good(change: tuple[str, str]) -> None:
    sessions = Sessions(b"k" * 32, Clock())
    value = sessions.issue(7, "hash").replace(*change, 1)
    assert sessions.claimed(value) is None or not sessions.is_good(value, "hash") or value[0] == "0"


@pytest.mark.parametrize("value", ["", "x", "7", "7.8", "7.99999999999.", "a.b.c", "7." * 4000])
def test_rubbish_is_no_session(value: str) -> None:
    sessions = Sessions(b"k" * 32, Clock())
    assert sessions.claimed(value) is None
    assert not sessions.is_good(value, "hash")


def test_all_processes_of_a_house_read_one_private_key(tmp_path: Path) -> None:
    key = load_key(tmp_path)
    assert len(key) == 32
    assert load_key(tmp_path) == key
    assert (tmp_path / "session.key").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["session.key"]


@pytest.fixture
def street(tmp_path: Path):
    street = Street(tmp_path / "data")
    street.person("anna")
    yield street
    street.close()


def _log_in(street: Street) -> tuple[str, str]:
    """The cookie osc gets, and the whole header."""
    header = Caller(street.app, "anna").get("/source", headers=OSC).headers["Set-Cookie"]
    return header.split(";")[0].removeprefix(f"{COOKIE}="), header


def _status(street: Street, cookie: str, url: str = "/source") -> int:
    client = street.app.test_client(use_cookies=False)
    return client.get(url, headers={"Cookie": f"{COOKIE}={cookie}"}).status_code


def test_osc_gets_a_cookie_that_dies_with_it(street: Street) -> None:
    cookie, header = _log_in(street)
    assert "HttpOnly" in header
    assert "SameSite=Strict" in header
    assert "Max-Age" not in header
    assert "Expires" not in header
    assert _status(street, cookie) == 200


def test_other_clients_get_none(street: Street) -> None:
    assert "Set-Cookie" not in Caller(street.app, "anna").get("/source").headers
    assert "Set-Cookie" not in street.anonymous().get("/about", headers=OSC).headers


def test_a_session_hands_out_no_further_session(street: Street) -> None:
    cookie, _ = _log_in(street)
    client = street.app.test_client(use_cookies=False)
    response = client.get("/source", headers={"Cookie": f"{COOKIE}={cookie}", **OSC})
    assert "Set-Cookie" not in response.headers


def test_a_stale_session_is_challenged_again(street: Street) -> None:
    cookie, _ = _log_in(street)
    Caller(street.app, "anna").post("/person/anna?cmd=change_password", "other")
    assert _status(street, cookie) == 401
    assert _status(street, "1.2.3") == 401
    street.admin.post("/person/anna?cmd=change_password", PASSWORD)


def test_a_locked_account_loses_its_sessions(street: Street) -> None:
    cookie, _ = _log_in(street)
    street.admin.post("/person/anna?cmd=lock")
    assert _status(street, cookie) == 403
    street.admin.post("/person/anna?cmd=delete")
    assert _status(street, cookie) == 401


def test_credentials_win_over_a_session(street: Street) -> None:
    cookie, _ = _log_in(street)
    headers = {"Cookie": f"{COOKIE}={cookie}"}
    assert street.admin.get("/source?deleted=1", headers=headers).status_code == 200
    assert Caller(street.app, "anna", "wrong").get("/source", headers=headers).status_code == 401
