"""The configuration file of Copr's client."""

from __future__ import annotations

import time


def client_config(
    login: str, token: str, username: str, url: str, expires_at: int | None = None
) -> str:
    """Content of ``~/.config/copr`` for one token.

    Args:
        login: Public half of the token.
        token: Its secret.
        username: The account's name, which ``copr-cli whoami`` prints.
        url: The house's public URL.
        expires_at: Unix seconds; None = never.
    """
    lines = [
        "[copr-cli]",
        f"login = {login}",
        f"username = {username}",
        f"token = {token}",
        f"copr_url = {url}",
    ]
    if url.startswith("http:"):
        # The client refuses an unprotected URL unless it is told that this is meant.
        lines.append("encrypted = false")
    if expires_at is not None:
        lines.append(f"# expiration date: {expiration_date(expires_at)}")
    return "\n".join(lines) + "\n"


def expiration_date(expires_at: int) -> str:
    """A date as the client shows it."""
    return time.strftime("%Y-%m-%d", time.gmtime(expires_at))
