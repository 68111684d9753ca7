"""The calls that concern no project: greeting, login check, tokens, chroots of the house."""

from __future__ import annotations

from typing import Any

from storage.errors import NotAllowed
from storage.secrets import hash_secret, new_login, new_secret

from .call import Call
from .config import expiration_date

_TOKEN_DAYS = 180
_DAY_S = 86_400


def home(call: Call) -> dict[str, Any]:
    """Say which API this is."""
    return {"version": 3}


def auth_check(call: Call) -> dict[str, Any]:
    """Who the caller is."""
    account = call.identity.required()
    return {"name": account.login, "id": account.id}


def new_api_token(call: Call) -> dict[str, Any]:
    """Replace the caller's Copr token by a new one of the same reach."""
    account = call.identity.required()
    old = call.identity.token
    if old is not None and old.kind != "copr":
        raise NotAllowed("Only a Copr token or a password can be exchanged for a Copr token")
    login, secret = new_login(), new_secret()
    expires_at = call.now + _TOKEN_DAYS * _DAY_S
    with call.house.records.begin() as unit:
        if old is not None:
            unit.tokens.delete(old.id)
        unit.tokens.create(
            account.id,
            "copr",
            login,
            hash_secret(secret),
            old.scopes if old else (),
            old.project if old else None,
            old.description if old else "",
            expires_at,
            call.now,
        )
    return {
        "api_login": login,
        "api_token": secret,
        "expiration": expiration_date(expires_at),
    }


def mock_chroots(call: Call) -> dict[str, Any]:
    """The chroots of the house with their comments."""
    comments = call.house.settings.chroots
    return {
        each.name: comments[each.name].comment if each.name in comments else ""
        for each in call.house.builder.settings.chroots
    }
