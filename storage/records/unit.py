"""One transaction's view of everything recorded."""

from __future__ import annotations

from .stores.accounts import Accounts
from .stores.binaries import Binaries
from .stores.builds import Builds
from .stores.contents import Contents
from .stores.events import Events
from .stores.groups import Groups
from .stores.jobs import Jobs
from .stores.keys import Keys
from .stores.listings import Listings
from .stores.locks import Locks
from .stores.packages import Packages
from .stores.projects import Projects
from .stores.publications import Publications
from .stores.revisions import Revisions
from .stores.roles import Roles
from .stores.targets import Targets
from .stores.tokens import Tokens
from .transaction import Transaction


class Unit:
    """The stores, over one transaction; all of it happens or nothing."""

    __slots__ = (
        "accounts",
        "binaries",
        "builds",
        "contents",
        "events",
        "groups",
        "jobs",
        "keys",
        "listings",
        "locks",
        "packages",
        "projects",
        "publications",
        "revisions",
        "roles",
        "targets",
        "tokens",
    )

    def __init__(self, transaction: Transaction) -> None:
        """Make every store over one transaction."""
        self.accounts = Accounts(transaction)
        self.binaries = Binaries(transaction)
        self.builds = Builds(transaction)
        self.contents = Contents(transaction)
        self.events = Events(transaction)
        self.groups = Groups(transaction)
        self.jobs = Jobs(transaction)
        self.keys = Keys(transaction)
        self.listings = Listings(transaction)
        self.locks = Locks(transaction)
        self.packages = Packages(transaction)
        self.projects = Projects(transaction)
        self.publications = Publications(transaction)
        self.revisions = Revisions(transaction)
        self.roles = Roles(transaction)
        self.targets = Targets(transaction)
        self.tokens = Tokens(transaction)
