"""Every error class of the house has a status, and every door its own dialect."""

import importlib
import io
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, request
from lxml import etree

import builder
import facade
import hooks
import storage
from facade import errors
from storage import errors as kinds
from tests.facade.houses import Street, fast_directory


def _subclasses(kind: type) -> Iterator[type]:
    for below in kind.__subclasses__():
        yield below
        yield from _subclasses(below)


def test_every_class_of_the_tree_is_in_the_table() -> None:
    named = {
        value
        for value in vars(kinds).values()
        if isinstance(value, type) and issubclass(value, kinds.PackhouseError)
    }
    assert named <= set(errors.STATUSES)


def test_every_class_of_any_room_has_a_meaning() -> None:
    for room in (storage, builder, hooks, facade):
        for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
            if ".migrations" not in module.name:
                importlib.import_module(module.name)
    for kind in _subclasses(kinds.PackhouseError):
        mapped = next(k for k in kind.__mro__ if k in errors.STATUSES)
        status, code = errors.STATUSES[mapped]
        assert 400 <= status < 600
        assert code


def test_a_caller_s_mistake_is_never_a_server_error() -> None:
    for kind, (status, _) in errors.STATUSES.items():
        if issubclass(kind, kinds.InvalidInput | kinds.NotFound | kinds.NotAllowed):
            assert status < 500, kind


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application whose routes raise whatever they are asked for."""
    street = Street(fast_directory(tmp_path_factory.mktemp("errors")))

    def fail() -> None:
        kind = getattr(kinds, request.args["kind"], ValueError)
        if kind is ValueError:
            raise ValueError("secret detail")
        raise kind("what\nhappened", hint="do that", code=request.args.get("code", ""))

    for number, rule in enumerate(
        ("/x/fail", "/api_3/fail", "/git/p/k.git/fail", "/git/p/k.git/info/lfs/fail")
    ):
        street.app.add_url_rule(rule, f"fail{number}", fail, methods=["GET", "POST"])
    yield street.app
    street.close()


@pytest.mark.parametrize("kind", sorted(kind.__name__ for kind in errors.STATUSES))
def test_the_table_is_what_callers_see(app: Flask, kind: str) -> None:
    cls = getattr(kinds, kind, None)
    if cls is None:
        return
    response = app.test_client().get(f"/x/fail?kind={kind}")
    status, code = errors.STATUSES[cls]
    assert response.status_code == status
    assert response.headers["X-Opensuse-Errorcode"] == code
    document = etree.fromstring(response.data)
    assert document.get("code") == code
    assert document.findtext("summary") == ("internal error" if status == 500 else "what happened")


def test_a_code_of_the_contract_wins_over_the_class(app: Flask) -> None:
    response = app.test_client().get("/x/fail?kind=NotAllowed&code=put_file_no_permission")
    assert etree.fromstring(response.data).get("code") == "put_file_no_permission"
    response = app.test_client().get("/x/fail?kind=AlreadyExists&code=double_branch_package")
    assert response.status_code == 400


def test_copr_gets_json(app: Flask) -> None:
    response = app.test_client().get("/api_3/fail?kind=NotAllowed")
    assert response.content_type == "application/json"
    assert (response.status_code, json.loads(response.data)["error"]) == (403, "what happened")
    response = app.test_client().get("/api_3/fail?kind=NotAuthenticated")
    assert json.loads(response.data)["output"] == "notok"


def test_lfs_gets_its_own_json(app: Flask) -> None:
    response = app.test_client().get("/git/p/k.git/info/lfs/fail?kind=NotAllowed")
    assert response.content_type == "application/vnd.git-lfs+json"
    body = json.loads(response.data)
    assert body == {"message": "what happened", "request_id": response.headers["X-Request-Id"]}


def test_git_gets_a_line(app: Flask) -> None:
    response = app.test_client().get("/git/p/k.git/fail?kind=NotFound")
    assert response.data == b"what happened (do that)\n"


def test_an_unforeseen_error_tells_nothing(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    for path in ("/x/fail", "/api_3/fail", "/git/p/k.git/fail"):
        response = app.test_client().get(f"{path}?kind=Surprise")
        assert response.status_code == 500
        assert b"secret" not in response.data
    assert "secret detail" in caplog.text


def test_a_401_carries_the_challenge_osc_waits_for(app: Flask) -> None:
    response = app.test_client().get("/x/fail?kind=NotAuthenticated")
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


def test_try_again_comes_with_a_time(app: Flask) -> None:
    for kind in ("Busy", "StorageFull"):
        assert int(app.test_client().get(f"/x/fail?kind={kind}").headers["Retry-After"]) > 0


def test_unknown_routes_and_methods_are_documents(app: Flask) -> None:
    for method, path, status in (("GET", "/frob/x", 404), ("PUT", "/source", 405)):
        response = app.test_client().open(path, method=method)
        assert response.status_code == status
        assert etree.fromstring(response.data).tag == "status"


def test_every_answer_names_the_request_and_the_api(app: Flask) -> None:
    first = app.test_client().get("/about").headers
    second = app.test_client().get("/about").headers
    assert first["X-Request-Id"] != second["X-Request-Id"]
    assert first["X-Opensuse-APIVersion"]
    assert first["X-Content-Type-Options"] == "nosniff"


def test_the_body_is_taken_before_a_refusal(app: Flask) -> None:
    body = io.BytesIO(b"x" * 3_000_000)
    response = app.test_client().post("/x/fail?kind=NotAuthenticated", input_stream=body)
    assert (response.status_code, body.tell()) == (401, 3_000_000)


def test_health_tells_whether_the_house_serves(tmp_path: Path) -> None:
    street = Street(tmp_path / "data")
    client = street.app.test_client()
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").data == b"ready\n"
    assert b"packhouse_up 1\n" in client.get("/metrics").data
    street.close()
