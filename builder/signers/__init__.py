"""Keys and signatures: what makes a repository believable for its users."""

from .base import KeyPolicy, Signer, SigningFailed
from .gpg import GpgSigner
from .keyring import Keyring
from .none import NoSigner
from .sequoia import SequoiaSigner

__all__ = [
    "GpgSigner",
    "KeyPolicy",
    "Keyring",
    "NoSigner",
    "SequoiaSigner",
    "Signer",
    "SigningFailed",
]
