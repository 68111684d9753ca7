"""Frozen values that travel between the rooms.

Times are integers, Unix seconds, UTC, where the wire speaks seconds; object
ids are lower-case hex text. Nothing here reads or writes anything.
"""

from .builds import (
    Binary,
    Build,
    Event,
    EventKind,
    FileLock,
    Job,
    JobState,
    Publication,
    SigningKey,
    SourceState,
    Target,
)
from .metas import (
    FlagRule,
    Grant,
    Package,
    PackageMeta,
    PathEntry,
    Project,
    ProjectLink,
    ProjectMeta,
    Repository,
)
from .people import Account, Author, Group, Token
from .sources import CommitResult, Entry, Listing, MissingFile, Revision, WantedFile
from .values import EMPTY_SRCMD5, JsonObject

__all__ = [
    "EMPTY_SRCMD5",
    "Account",
    "Author",
    "Binary",
    "Build",
    "CommitResult",
    "Entry",
    "Event",
    "EventKind",
    "FileLock",
    "FlagRule",
    "Grant",
    "Group",
    "Job",
    "JobState",
    "JsonObject",
    "Listing",
    "MissingFile",
    "Package",
    "PackageMeta",
    "PathEntry",
    "Project",
    "ProjectLink",
    "ProjectMeta",
    "Publication",
    "Repository",
    "Revision",
    "SigningKey",
    "SourceState",
    "Target",
    "Token",
    "WantedFile",
]
