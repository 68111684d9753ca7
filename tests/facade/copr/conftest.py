"""A house with several chroots, and clients that speak Copr."""

import base64
import json

import pytest

from storage.secrets import hash_secret
from tests.facade.houses import Street

CHROOTS = (
    "fedora-42-x86_64",
    "fedora-rawhide-x86_64",
    "fedora-42-aarch64",
    "fedora-40-x86_64",
    "epel-9-x86_64",
    "debian-12-x86_64",
)
COMMENTS = {
    "fedora-rawhide-x86_64": "Rolling, may break",
    "debian-12-x86_64": "Not a real Fedora",
}
SECRET = "s" * 30


class Copr:
    """One client with a token of its own; ``login`` None calls anonymously."""

    def __init__(self, street, login, secret=SECRET):
        self.street, self.login, self.secret = street, login, secret
        self.client = street.app.test_client()

    def call(self, method, path, body=None, **options):
        headers = dict(options.pop("headers", {}))
        if self.login is not None:
            pair = f"{self.login}-token:{self.secret}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        if body is not None:
            options.update(data=json.dumps(body), content_type="application/json")
        return self.client.open(f"/api_3{path}", method=method, headers=headers, **options)

    def get(self, path, **query):
        return self.call("GET", path, query_string=query)

    def post(self, path, body=None, **options):
        return self.call("POST", path, body, **options)

    def put(self, path, body=None, **options):
        return self.call("PUT", path, body, **options)

    def delete(self, path, body=None, **options):
        return self.call("DELETE", path, body, **options)

    def upload(self, path, fields, **files):
        """A multipart call as python-copr makes it; files are (name, content)."""
        parts = {
            name: (__import__("io").BytesIO(content), filename, "application/x-rpm")
            for name, (filename, content) in files.items()
        }
        text = json.dumps(fields).encode()
        parts["json"] = (__import__("io").BytesIO(text), "json", "application/json")
        return self.call("POST", path, data=parts, content_type="multipart/form-data")

    def project(self, name="demo", chroots=("fedora-42-x86_64",), **fields):
        """A new project of one's own."""
        body = {"name": name, "chroots": list(chroots), **fields}
        return ok(self.post(f"/project/add/{self.login}", body))

    def scm(self, name="hello", project="demo", **fields):
        """A new package with a git source."""
        body = {"package_name": name, "clone_url": f"https://git.example.com/{name}.git", **fields}
        return ok(self.post(f"/package/add/{self.login}/{project}/{name}/scm", body))

    def build(self, name="hello", project="demo", **fields):
        """A new build of a package."""
        body = {"ownername": self.login, "projectname": project, "package_name": name, **fields}
        return ok(self.post("/package/build", body))


def ok(response):
    """The JSON of a call that must succeed."""
    assert response.status_code == 200, response.text
    return response.json


def error(response):
    """(status, text) of a call that must fail."""
    assert response.status_code >= 400, response.text
    assert response.content_type == "application/json"
    return response.status_code, response.json["error"]


@pytest.fixture
def street(tmp_path):
    settings = {name: {"kind": "host", "comment": COMMENTS.get(name, "")} for name in CHROOTS}
    street = Street(tmp_path / "data", chroots=settings, public_url="https://copr.example.com")
    yield street
    street.close()


@pytest.fixture
def person(street):
    """Makes accounts with a Copr token."""

    def make(login, **options):
        street.person(login, **options)
        with street.house.records.begin() as unit:
            account = unit.accounts.get(login)
            unit.tokens.create(account.id, "copr", f"{login}-token", hash_secret(SECRET))
        return Copr(street, login)

    return make


@pytest.fixture
def alice(person):
    return person("alice")


@pytest.fixture
def bob(person):
    return person("bob")


@pytest.fixture
def anybody(street):
    return Copr(street, None)
