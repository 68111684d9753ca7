"""The seam between the publisher and whatever holds the secret keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from storage.errors import PackhouseError
from storage.model import SigningKey


class SigningFailed(PackhouseError):
    """A key could not be made, or something could not be signed with it."""


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """How new keys are made.

    Attributes:
        algorithm: ``ed25519`` or ``rsa3072`` (for clients older than rpm 4.16).
        valid_days: Lifetime of a new or extended key; 0 = for ever.
        renew_days: A key with less left is extended when it is used next.
    """

    algorithm: str = "ed25519"
    valid_days: int = 1825
    renew_days: int = 180


class Signer(Protocol):
    """One key per project, and signatures made with it.

    Every method may be called from several processes at once. Nothing a signer
    starts (gpg-agent) outlives the call.
    """

    @property
    def signs(self) -> bool:
        """Whether there are signatures at all; if not, only ``public_key`` may be called."""

    def create_key(self, project: str, userid: str, *, replace: bool = True) -> SigningKey:
        """Make a new key and drop the former one.

        Args:
            project: Whose key.
            userid: ``NAME <address>``.
            replace: If not, a key that is already there is returned instead.

        Raises:
            SigningFailed: No key was made; the former one is still there.
        """

    def public_key(self, project: str) -> SigningKey | None:
        """The project's own key, None when it has none."""

    def extend_key(self, project: str) -> SigningKey:
        """Make the key valid for another full lifetime from now.

        Raises:
            SigningFailed: There is no key, or it could not be extended.
        """

    def delete_key(self, project: str) -> None:
        """Forget the key; no effect when there is none."""

    def sign_detached(self, project: str, data: bytes) -> bytes:
        """An armored detached signature over ``data``.

        Raises:
            SigningFailed: There is no key, or no signature was made.
        """

    def sign_clear(self, project: str, text: bytes) -> bytes:
        """``text`` in the clear-signed framework.

        Raises:
            SigningFailed: As above.
        """

    def sign_rpms(self, project: str, copies: Iterable[tuple[Path, Path]]) -> None:
        """Write a signed copy of each package.

        Args:
            project: Whose key signs.
            copies: Pairs of an existing RPM and the new file to write; the
                original is never changed, a former signature is replaced in the copy.

        Raises:
            SigningFailed: A package is malformed or was not signed; no target
                file of that package is left behind.
        """
