"""A house in a temporary directory, and callers of its web application."""

import atexit
import base64
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from werkzeug.test import TestResponse

from builder.queue import InlineQueue
from facade.app import create_app
from facade.settings import Settings, load
from facade.wiring import House, build_house
from storage import passwords
from storage.model import Account
from storage.records import Records

PASSWORD = "correct horse"
_HASH = passwords.hash(PASSWORD)


SCHEMA = etree.RelaxNG(etree.parse(Path(__file__).parents[1] / "schemas" / "answers.rng"))


@dataclass
class Caller:
    """One client; ``login`` None calls without credentials."""

    app: Flask
    login: str | None
    password: str = PASSWORD

    def __post_init__(self) -> None:
        self.client: FlaskClient = self.app.test_client()

    def call(self, method: str, url: str, body: Any = b"", **options: Any) -> TestResponse:
        headers = dict(options.pop("headers", {}))
        if self.login is not None:
            pair = f"{self.login}:{self.password}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        if isinstance(body, str):
            body = body.encode()
        options.setdefault("content_type", "application/xml; charset=utf-8")
        options.setdefault("buffered", True)
        response = self.client.open(url, method=method, data=body, headers=headers, **options)
        _check_answer(response)
        return response

    def get(self, url: str, **options: Any) -> TestResponse:
        return self.call("GET", url, **options)

    def put(self, url: str, body: Any = b"", **options: Any) -> TestResponse:
        return self.call("PUT", url, body, **options)

    def post(self, url: str, body: Any = b"", **options: Any) -> TestResponse:
        return self.call("POST", url, body, **options)

    def delete(self, url: str, **options: Any) -> TestResponse:
        return self.call("DELETE", url, **options)

    def xml(self, url: str) -> etree._Element:
        """The document a GET answers with; the call must succeed."""
        response = self.get(url)
        assert response.status_code == 200, response.text
        return etree.fromstring(response.data)


def _check_answer(response: TestResponse) -> None:
    """Every document the OBS door answers with has the shape its clients can read."""
    if response.content_type == "text/xml; charset=utf-8":
        document = etree.fromstring(response.data)
        assert SCHEMA.validate(document), f"{SCHEMA.error_log}\n{response.text}"


def fast_directory(otherwise: Path) -> Path:
    """A directory in memory if there is one: fsync costs nothing there."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        return otherwise
    directory = Path(tempfile.mkdtemp(prefix="packhouse-", dir=memory))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory / "data"


_blank: dict[str, bytes] = {}


def blank_database(data_dir: Path) -> None:
    """Put an empty database of the present schema there; making one takes a while."""
    if not _blank:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "packhouse.db"
            Records.open(f"sqlite:///{path}").close()
            _blank["bytes"] = path.read_bytes()
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / "packhouse.db").write_bytes(_blank["bytes"])


class Street:
    """One house with its application, people to call it and short ways to fill it."""

    def __init__(self, data_dir: Path, **overrides: Any) -> None:
        blank_database(data_dir)
        self.settings: Settings = load(None, {}, data_dir=data_dir, **overrides)
        self.house: House = build_house(self.settings, queue=InlineQueue())
        self.app = create_app(self.house)
        self.admin = self.person("Admin", is_admin=True)

    def person(self, login: str, *, is_admin: bool = False, state: str = "confirmed") -> Caller:
        """An account and its caller."""
        with self.house.records.begin() as unit:
            unit.accounts.create(
                login, f"{login}@example.org", f"{login} Example", _HASH, is_admin, state
            )
        return Caller(self.app, login)

    def account(self, login: str) -> Account:
        with self.house.records.read() as unit:
            return unit.accounts.get(login)

    def anonymous(self) -> Caller:
        return Caller(self.app, None)

    def project(self, name: str, inside: str = "", by: Caller | None = None) -> None:
        body = f"<project name='{name}'><title/><description/>{inside}</project>"
        response = (by or self.admin).put(f"/source/{name}/_meta", body)
        assert response.status_code == 200, response.text

    def package(self, project: str, name: str, inside: str = "", by: Caller | None = None) -> None:
        body = (
            f"<package name='{name}' project='{project}'><title/><description/>{inside}</package>"
        )
        response = (by or self.admin).put(f"/source/{project}/{name}/_meta", body)
        assert response.status_code == 200, response.text

    def file(self, where: str, content: bytes | str, by: Caller | None = None) -> None:
        """Commit one file; ``where`` is ``P/K/F``."""
        response = (by or self.admin).put(f"/source/{where}", content)
        assert response.status_code == 200, response.text

    def close(self) -> None:
        self.house.records.close()


def status_of(response: TestResponse) -> tuple[int, str, str]:
    """(HTTP status, code word, summary) of a status document."""
    root = etree.fromstring(response.data)
    assert root.tag == "status", response.text
    assert response.headers.get("X-Opensuse-Errorcode", "ok") == root.get("code")
    return response.status_code, root.get("code") or "", root.findtext("summary") or ""
