"""A house without signatures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from storage.model import SigningKey

from .base import SigningFailed


class NoSigner:
    """Holds no keys; the publisher leaves out everything about signatures."""

    @property
    def signs(self) -> bool:
        """Never."""
        return False

    def create_key(self, project: str, userid: str, *, replace: bool = True) -> SigningKey:
        """Refuse."""
        raise _refusal(project)

    def public_key(self, project: str) -> SigningKey | None:
        """None."""
        return None

    def extend_key(self, project: str) -> SigningKey:
        """Refuse."""
        raise _refusal(project)

    def delete_key(self, project: str) -> None:
        """Do nothing."""

    def sign_detached(self, project: str, data: bytes) -> bytes:
        """Refuse."""
        raise _refusal(project)

    def sign_clear(self, project: str, text: bytes) -> bytes:
        """Refuse."""
        raise _refusal(project)

    def sign_rpms(self, project: str, copies: Iterable[tuple[Path, Path]]) -> None:
        """Refuse."""
        raise _refusal(project)


def _refusal(project: str) -> SigningFailed:
    return SigningFailed("this house does not sign", project=project)
