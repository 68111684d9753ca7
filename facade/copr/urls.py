"""Addresses that answers of the Copr dialect name (contract, section 4, results layout)."""

from __future__ import annotations

from dataclasses import dataclass

from .names import FullName


@dataclass(frozen=True, slots=True)
class Urls:
    """Makes addresses below the house's public URL.

    Attributes:
        base: The public URL without a trailing slash.
    """

    base: str

    def project(self, name: FullName) -> str:
        """All results of a project or side directory, without a trailing slash."""
        return f"{self.base}/results/{name}"

    def chroot(self, name: FullName, chroot: str) -> str:
        """The repository of one chroot, with a trailing slash."""
        return f"{self.project(name)}/{chroot}/"

    def result(self, name: FullName, chroot: str, build_id: int, package: str) -> str:
        """The files of one build in one chroot, with a trailing slash."""
        return f"{self.chroot(name, chroot)}{build_id:08d}-{package}/"

    def source(self, name: FullName, build_id: int) -> str:
        """The files of the source part, without a trailing slash."""
        return f"{self.project(name)}/srpm-builds/{build_id:08d}"

    def public_key(self, name: FullName) -> str:
        """The key the project's packages are signed with."""
        return f"{self.project(name)}/pubkey.gpg"

    def clone(self, project: str, package: str) -> str:
        """The git repository of a package."""
        return f"{self.base}/git/{project}/{package}.git"
