"""Signing keys of projects (OBS API contract, section 5.6)."""

from __future__ import annotations

from flask import Response

from storage.errors import NotFound
from storage.model import SigningKey

from ..access import Action
from .call import Call
from .routing import Handler, Route
from .status import answer, ok
from .xml import Element


def public_key(call: Call) -> Response:
    """``GET /source/P/_pubkey`` [PRJ-21]: 404 without an own key, clients walk up themselves."""
    call.the_project(Action.VIEW)
    return Response(_own_key(call).armored, content_type="text/plain; charset=utf-8")


def key_info(call: Call) -> Response:
    """``GET /source/P/_keyinfo`` [PRJ-16]."""
    call.the_project(Action.VIEW)
    key = _own_key(call)
    attrs = {
        "keyid": key.keyid,
        "userid": key.userid,
        "algo": key.algorithm,
        "keysize": key.bits,
        "expires": key.expires_at,
        "fingerprint": key.fingerprint,
    }
    pubkey = Element("pubkey", attrs, text=key.armored)
    return answer(Element("keyinfo", {"project": key.project}, [pubkey]))


def delete_key(call: Call) -> Response:
    """``DELETE /source/P/_pubkey`` [PRJ-22]: no effect without a key."""
    call.the_project(Action.DELETE_KEY)
    call.house.keyring.delete(call.project)
    return ok()


def create_key(call: Call) -> Response:
    """``POST /source/P?cmd=createkey`` [PRJ-23]: replaces an existing key."""
    call.the_project(Action.COMMAND_PROJECT)
    _must_sign(call)
    call.house.keyring.create(call.project)
    return ok()


def extend_key(call: Call) -> Response:
    """``POST /source/P?cmd=extendkey`` [PRJ-24]."""
    call.the_project(Action.COMMAND_PROJECT)
    _must_sign(call)
    _own_key(call)
    call.house.keyring.extend(call.project)
    return ok()


def _own_key(call: Call) -> SigningKey:
    key = call.house.keyring.own(call.project)
    if key is None:
        raise NotFound(f"{call.project}: no pubkey available")
    return key


def _must_sign(call: Call) -> None:
    if not call.house.signer.signs:
        raise NotFound("this instance signs nothing", hint="install gpg and start it again")


COMMANDS: dict[str, Handler] = {"createkey": create_key, "extendkey": extend_key}
ROUTES = [
    Route("GET", "/source/<project>/_pubkey", public_key),
    Route("DELETE", "/source/<project>/_pubkey", delete_key),
    Route("GET", "/source/<project>/_keyinfo", key_info),
]
