"""Names, parsed once at the edge (rules: OBS API contract, section 1.3).

Every class is a ``str``: it binds, formats and compares as text, and its
existence proves that the rules were checked. ``parse`` raises ``InvalidName``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Self

from .errors import InvalidName, InvalidRevision

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ARCHITECTURE = re.compile(r"[-+=,%{}@#_~^a-zA-Z0-9]{1,200}")
_SPECIAL_PACKAGES = frozenset({"_product", "_pattern", "_project", "_patchinfo"})
_NAME_LIMIT = 200
_FILE_NAME_LIMIT_BYTES = 255


class _Name(str):
    """A checked name; subclasses say which rules."""

    __slots__ = ()
    kind = "name"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check ``text`` and return it as this kind of name.

        Raises:
            InvalidName: The text breaks the rules of this kind.
        """
        if (
            not text
            or len(text) > _NAME_LIMIT
            or "/" in text
            or _CONTROL.search(text)
            or not _encodable(text)
            or not cls._allowed(text)
        ):
            raise InvalidName(
                f"invalid {cls.kind} name '{_printable(text)}'",
                code=f"invalid_{cls.kind}_name",
                name=_printable(text),
            )
        return cls(text)

    @classmethod
    def _allowed(cls, text: str) -> bool:
        return True


class ProjectName(_Name):
    """``home:anna:tools``: colon separated parts, none empty or starting with ``_`` or ``.``."""

    __slots__ = ()
    kind = "project"

    @classmethod
    def _allowed(cls, text: str) -> bool:
        return text != "0" and all(part and part[0] not in "_." for part in text.split(":"))

    def parents(self) -> list[ProjectName]:
        """Names above this one, nearest first: ``a:b:c`` gives ``a:b``, ``a``."""
        parts = self.split(":")
        return [ProjectName(":".join(parts[:n])) for n in range(len(parts) - 1, 0, -1)]


class PackageName(_Name):
    """``hello``; no colon, not starting with ``_`` or ``.`` but for the special containers."""

    __slots__ = ()
    kind = "package"

    @classmethod
    def _allowed(cls, text: str) -> bool:
        if text in _SPECIAL_PACKAGES:
            return True
        return text != "0" and ":" not in text and text[0] not in "_."


class RepositoryName(_Name):
    """Name of a build repository such as ``standard``."""

    __slots__ = ()
    kind = "repository"

    @classmethod
    def _allowed(cls, text: str) -> bool:
        return ":" not in text and text[0] not in "_."


class Architecture(_Name):
    """Scheduler architecture such as ``x86_64``."""

    __slots__ = ()
    kind = "architecture"

    @classmethod
    def _allowed(cls, text: str) -> bool:
        return _ARCHITECTURE.fullmatch(text) is not None


class FileName(_Name):
    """Name of one source file; spaces are allowed, a leading dot is not."""

    __slots__ = ()
    kind = "file"

    @classmethod
    def _allowed(cls, text: str) -> bool:
        return text[0] != "." and len(text.encode()) <= _FILE_NAME_LIMIT_BYTES


class UserName(_Name):
    """Login of a person; no slash, colon or white space, not starting with ``_`` or ``.``."""

    __slots__ = ()
    kind = "user"

    @classmethod
    def _allowed(cls, text: str) -> bool:
        return ":" not in text and text[0] not in "_.@" and not any(c.isspace() for c in text)


class GroupName(UserName):
    """Title of a group."""

    __slots__ = ()
    kind = "group"


PROJECT_CONTAINER = PackageName("_project")
"""The pseudo package that holds a project's own files (``_config``) and meta."""


@dataclass(frozen=True, slots=True)
class RevisionSpec:
    """Which revision a caller asks for (OBS API contract, section 7.3).

    Attributes:
        kind: ``default`` is the open upload area, else the newest revision.
        number: Set for ``number``.
        checksum: 32 hex digits for ``srcmd5``, 40 for ``commit``.
    """

    kind: Literal["default", "latest", "upload", "repository", "number", "srcmd5", "commit"]
    number: int = 0
    checksum: str = ""

    @classmethod
    def parse(cls, text: str | None) -> RevisionSpec:
        """Read a ``rev=`` value.

        Raises:
            InvalidRevision: Not one of the forms of the contract.
        """
        if not text:
            return cls("default")
        if text in ("latest", "build"):
            return cls("latest")
        if text == "upload":
            return cls("upload")
        if text == "repository":
            return cls("repository")
        if re.fullmatch(r"[0-9]{1,9}", text):
            return cls("number", number=int(text))
        if re.fullmatch(r"[0-9a-f]{32}", text):
            return cls("srcmd5", checksum=text)
        if re.fullmatch(r"[0-9a-f]{40}", text):
            return cls("commit", checksum=text)
        raise InvalidRevision(
            f"bad revision '{_printable(text)}'",
            hint="give a number, 'latest', 'upload', a srcmd5 or a commit id",
        )


LATEST = RevisionSpec("latest")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(text: str) -> str:
    return _CONTROL.sub("?", text)[:100].encode(errors="replace").decode()
