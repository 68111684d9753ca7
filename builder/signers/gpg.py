"""Keys and signatures by the gpg and rpmsign programs.

Keys are single primary keys that sign: rpm 4.18 cannot import keys with a
signing subkey and a direct-key signature.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.model import SigningKey

from .base import KeyPolicy, SigningFailed
from .gpgprocess import GpgHome, open_home
from .keydirs import KeyDirectories
from .rpmsignature import sign_package

_BITS = {"ed25519": 256, "rsa3072": 3072}
_RPMSIGN_BATCH = 200


class GpgSigner:
    """One gpg home per project under ``root``; the reference implementation."""

    def __init__(self, root: Path, policy: KeyPolicy | None = None) -> None:
        """Keep keys below ``root`` (mode 0700).

        Args:
            root: ``keys`` in the data directory.
            policy: How new keys are made; ed25519 for five years by default.
        """
        self._directories = KeyDirectories(root)
        self._policy = policy or KeyPolicy()

    @property
    def signs(self) -> bool:
        """Always."""
        return True

    def create_key(self, project: str, userid: str, *, replace: bool = True) -> SigningKey:
        """Make a new key; see ``Signer``."""
        with self._directories.lock(project):
            former = None if replace else self._directories.key(project)
            return former or self._generate(project, userid)

    def public_key(self, project: str) -> SigningKey | None:
        """The project's own key; see ``Signer``."""
        return self._directories.key(project)

    def extend_key(self, project: str) -> SigningKey:
        """Set the expiry anew; see ``Signer``."""
        directories = self._directories
        with self._home(project) as (home, former):
            home.gpg("--quick-set-expire", former.fingerprint, _lifetime(self._policy))
            key = _read_key(home, project, former.algorithm)
            secret = home.gpg("--export-secret-keys")
            current = directories.current(project)
            assert current is not None
            directories.describe(current, key, secret)
        return key

    def delete_key(self, project: str) -> None:
        """Remove the key; see ``Signer``."""
        with self._directories.lock(project):
            self._directories.drop(project)

    def sign_detached(self, project: str, data: bytes) -> bytes:
        """Sign with ``gpg --detach-sign``; see ``Signer``."""
        with self._home(project) as (home, key):
            return _sign(home, key, data, "--armor", "--detach-sign")

    def sign_clear(self, project: str, text: bytes) -> bytes:
        """Sign with ``gpg --clear-sign``; see ``Signer``."""
        with self._home(project) as (home, key):
            return _sign(home, key, text, "--clear-sign")

    def sign_rpms(self, project: str, copies: Iterable[tuple[Path, Path]]) -> None:
        """Sign with rpmsign, or with gpg and the own writer where it is missing."""
        pairs = list(copies)
        if not pairs:
            return
        with self._home(project) as (home, key):
            if shutil.which("rpmsign"):
                _rpmsign(home, key, pairs)
                return
            for source, target in pairs:
                sign_package(source, target, _detacher(home, key))

    def _generate(self, project: str, userid: str) -> SigningKey:
        policy = self._policy
        with self._directories.fresh(project) as fresh:
            with open_home(fresh / "gnupg") as home:
                usage = (policy.algorithm, "sign", _lifetime(policy))
                home.gpg("--quick-gen-key", "--", userid, *usage)
                key = _read_key(home, project, policy.algorithm)
                secret = home.gpg("--export-secret-keys")
            self._directories.describe(fresh, key, secret)
            self._directories.adopt(project, fresh, key)
        return key

    @contextmanager
    def _home(self, project: str) -> Iterator[tuple[GpgHome, SigningKey]]:
        with self._directories.lock(project):
            directory = self._directories.current(project)
            key = self._directories.key(project)
            if directory is None or key is None:
                raise SigningFailed("the project has no signing key", project=project)
            with open_home(directory / "gnupg") as home:
                yield home, key


def _lifetime(policy: KeyPolicy) -> str:
    return f"{policy.valid_days}d" if policy.valid_days else "never"


def _read_key(home: GpgHome, project: str, algorithm: str) -> SigningKey:
    """Facts of the only key in a home (``--with-colons``: doc/DETAILS of GnuPG)."""
    listing = home.gpg("--with-colons", "--fixed-list-mode", "--list-keys")
    records = [line.split(":") for line in listing.decode(errors="replace").splitlines()]
    rows = {record[0]: record for record in reversed(records)}
    public, user = rows["pub"], rows["uid"]
    return SigningKey(
        project=project,
        fingerprint=rows["fpr"][9].lower(),
        keyid=public[4].lower(),
        userid=_unescape(user[9]),
        algorithm=algorithm,
        bits=_BITS.get(algorithm, int(public[2] or 0)),
        created_at=int(public[5]),
        expires_at=int(public[6]) if public[6] else None,
        armored=home.gpg("--armor", "--export").decode("ascii"),
    )


def _unescape(text: str) -> str:
    r"""Undo the ``\x3a`` of gpg's colon listing."""
    out = bytearray()
    raw = text.encode()
    at = 0
    while at < len(raw):
        if raw[at : at + 2] == b"\\x" and at + 4 <= len(raw):
            out.append(int(raw[at + 2 : at + 4], 16))
            at += 4
        else:
            out.append(raw[at])
            at += 1
    return out.decode(errors="replace")


def _sign(home: GpgHome, key: SigningKey, data: bytes, *how: str) -> bytes:
    return home.gpg("--digest-algo", "SHA256", "--local-user", key.fingerprint, *how, stdin=data)


def _detacher(home: GpgHome, key: SigningKey) -> Callable[[bytes], bytes]:
    return lambda data: _sign(home, key, data, "--detach-sign")


def _rpmsign(home: GpgHome, key: SigningKey, pairs: list[tuple[Path, Path]]) -> None:
    """Copy, then let rpmsign change the copies; Debian's rpm does not know where gpg is."""
    macros = {
        "_gpg_name": key.fingerprint,
        "_gpg_path": str(home.path),
        "__gpg": shutil.which("gpg") or "gpg",
        "_gpg_digest_algo": "sha256",
        "_gpg_sign_cmd_extra_args": "--batch --no-tty --pinentry-mode loopback --passphrase ''",
    }
    defines = [word for item in macros.items() for word in ("--define", " ".join(item))]
    finished = False
    try:
        for source, target in pairs:
            shutil.copyfile(source, target)
        for start in range(0, len(pairs), _RPMSIGN_BATCH):
            batch = [str(target) for _, target in pairs[start : start + _RPMSIGN_BATCH]]
            home.run(["rpmsign", *defines, "--resign", "--", *batch])
        finished = True
    finally:
        if not finished:
            for _, target in pairs:
                with contextlib.suppress(FileNotFoundError):
                    target.unlink()
