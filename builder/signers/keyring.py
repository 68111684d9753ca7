"""Which key signs for a project, and the record of it."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from storage.model import SigningKey
from storage.names import ProjectName

from .base import KeyPolicy, Signer

if TYPE_CHECKING:
    from storage.records import Records

logger = logging.getLogger(__name__)

_DAY_S = 86400


class Keyring:
    """Joins a signer with ``records.keys``, which the doors read.

    The signer's directory holds the truth. A process that died between making
    a key and recording it is healed by the next look.
    """

    def __init__(
        self,
        records: Records,
        signer: Signer,
        *,
        policy: KeyPolicy | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Use ``signer`` for the projects of ``records``; ``policy`` says when to renew."""
        self._records = records
        self._signer = signer
        self._policy = policy or KeyPolicy()
        self._clock = clock

    def own(self, project: str) -> SigningKey | None:
        """The project's own key, None if it has none.

        A key that is older than the project belonged to a deleted one of the
        same name: its owner's users did not trust the new owner. It is dropped.
        """
        key = self._signer.public_key(project)
        with self._records.read() as unit:
            known = unit.keys.get(project)
            owner = unit.projects.find(project)
        if owner is None:
            return None
        if key is not None and key.created_at < min(owner.created_at, int(time.time())):
            logger.info("key_of_a_former_project_dropped", extra={"project": project})
            self.delete(project)
            return None
        if key != known:
            self._record(project, key)
        return key

    def nearest(self, project: str) -> SigningKey | None:
        """The key in force: the project's own or that of the nearest project above."""
        for name in (project, *ProjectName(project).parents()):
            if key := self.own(name):
                return key
        return None

    def for_signing(self, project: str) -> SigningKey | None:
        """The key in force, made or extended first where necessary.

        Returns:
            None in a house that does not sign.

        Raises:
            SigningFailed: There is no key and none could be made.
        """
        if not self._signer.signs:
            return None
        key = self.nearest(project)
        if key is None:
            return self.create(project, replace=False)
        renew_before = self._clock() + self._policy.renew_days * _DAY_S
        if key.expires_at is not None and key.expires_at < renew_before:
            return self.extend(key.project)
        return key

    def create(self, project: str, *, replace: bool = True) -> SigningKey:
        """Make a key for the project; a former one is replaced unless ``replace`` is off.

        Raises:
            SigningFailed: No key was made.
        """
        key = self._signer.create_key(project, userid(project), replace=replace)
        self._record(project, key, publish_again=replace)
        logger.info("key_created", extra={"project": project, "fingerprint": key.fingerprint})
        return key

    def extend(self, project: str) -> SigningKey:
        """Prolong the project's own key.

        Raises:
            SigningFailed: It has none, or it could not be prolonged.
        """
        key = self._signer.extend_key(project)
        self._record(project, key, publish_again=True)
        logger.info("key_extended", extra={"project": project, "fingerprint": key.fingerprint})
        return key

    def delete(self, project: str) -> None:
        """Forget the project's own key; no effect when it has none."""
        self._signer.delete_key(project)
        self._record(project, None)

    def _record(self, project: str, key: SigningKey | None, *, publish_again: bool = False) -> None:
        with self._records.begin() as unit:
            if key is None:
                unit.keys.delete(project)
            else:
                unit.keys.put(key)
            owner = unit.projects.find(project) if publish_again else None
            for publication in unit.publications.of_project(owner.id) if owner else ():
                if publication.generation:
                    unit.publications.put(dataclasses.replace(publication, dirty=True))


def userid(project: str) -> str:
    """Name on a project's key, in the form OBS gives it."""
    plain = "".join(c for c in project if c not in "<>()\\").strip() or "project"
    address = "".join(c if c.isascii() and (c.isalnum() or c in ":-_.") else "-" for c in plain)
    return f"{plain} OBS Project <{address}@localhost>"
