"""The error tree of the whole house.

    PackhouseError
    |-- InvalidInput            the request itself is wrong
    |   |-- InvalidName         a name breaks the naming rules
    |   |-- InvalidRevision     a revision selector cannot be read
    |   |-- InvalidContent      a body, pack, archive or XML document is malformed
    |   |-- ChecksumMismatch    bytes do not have the announced checksum
    |   |-- MissingParameter    a required argument is absent
    |   |-- NameMismatch        the body names another object than the path
    |   |-- UnknownCommand      no such command
    |   `-- StillUsed           the object is needed by another one
    |-- NotAuthenticated        no or wrong credentials
    |-- NotAllowed              known caller, not permitted
    |   |-- AccountInactive     the account is locked or unconfirmed
    |   |-- Locked              the object carries the lock flag
    |   `-- SourceAccessDenied  sources are closed for this caller
    |-- NotFound                a named object does not exist (or is hidden)
    |   |-- UnknownProject, UnknownPackage, UnknownFile, UnknownRevision,
    |   |-- UnknownUser, UnknownGroup, UnknownRepository, UnknownBuild
    |-- Conflict                the object's present state forbids it
    |   |-- AlreadyExists       the name is taken
    |   `-- StaleTip            somebody else moved the ref first
    |-- TooLarge                over a configured limit
    |-- StorageFull             no space left; nothing was kept
    |-- Busy                    a lock was not had in time; try again
    `-- Damaged                 kept data does not have its checksum

Messages are short, lower case and factual; facts travel as attributes in
``facts``; ``hint`` says what the caller can do next. Only ``facade/errors.py``
knows HTTP statuses and code words.
"""

from __future__ import annotations


class PackhouseError(Exception):
    """Base of every error the house raises on purpose.

    Args:
        message: One factual sentence, lower case, without a final stop.
        code: Protocol code word, where the class alone does not decide it
            (for example ``create_project_no_permission``).
        hint: The next step the caller can take.
        **facts: Values the renderers and logs may show.
    """

    def __init__(self, message: str, *, code: str = "", hint: str = "", **facts: object) -> None:
        """Keep message, code word, hint and facts."""
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint
        self.facts = facts


class InvalidInput(PackhouseError):
    """The request itself is wrong."""


class InvalidName(InvalidInput):
    """A name breaks the naming rules."""


class InvalidRevision(InvalidInput):
    """A revision selector cannot be read."""


class InvalidContent(InvalidInput):
    """A body, pack, archive or document is malformed."""


class ChecksumMismatch(InvalidInput):
    """Bytes do not have the announced checksum."""


class MissingParameter(InvalidInput):
    """A required argument is absent."""


class NameMismatch(InvalidInput):
    """The body names another object than the path."""


class UnknownCommand(InvalidInput):
    """No such command."""


class StillUsed(InvalidInput):
    """The object is needed by another one."""


class NotAuthenticated(PackhouseError):
    """No credentials, or wrong ones."""


class NotAllowed(PackhouseError):
    """The caller is known and may not do this."""


class AccountInactive(NotAllowed):
    """The account is locked or unconfirmed."""


class Locked(NotAllowed):
    """The object carries the lock flag."""


class SourceAccessDenied(NotAllowed):
    """Sources are closed for this caller."""


class NotFound(PackhouseError):
    """A named object does not exist, or is hidden from the caller."""


class UnknownProject(NotFound):
    """No such project."""


class UnknownPackage(NotFound):
    """No such package."""


class UnknownFile(NotFound):
    """No such file in that tree."""


class UnknownRevision(NotFound):
    """No such revision."""


class UnknownUser(NotFound):
    """No such account."""


class UnknownGroup(NotFound):
    """No such group."""


class UnknownRepository(NotFound):
    """No such build repository or architecture."""


class UnknownBuild(NotFound):
    """No such build or job."""


class Conflict(PackhouseError):
    """The object's present state forbids the action."""


class AlreadyExists(Conflict):
    """The name is taken."""


class StaleTip(Conflict):
    """The ref was moved by somebody else first."""


class TooLarge(PackhouseError):
    """Over a configured limit."""


class StorageFull(PackhouseError):
    """No space left; nothing of the request was kept."""


class Busy(PackhouseError):
    """A lock was not had in time; the caller may try again."""


class Damaged(PackhouseError):
    """Kept data does not have its checksum."""
