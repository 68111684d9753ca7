"""From build results to a repository that package managers read."""

from .apt import AptPublisher
from .base import Item, Kind, LeftOut, Publisher, PublishFailed, RepositoryFacts
from .generations import Generation, Generations, tree_path
from .manifest import Entry, Manifest
from .packagecache import PackageCache
from .plain import PlainPublisher
from .rpmmd import RpmMdPublisher

__all__ = [
    "AptPublisher",
    "Entry",
    "Generation",
    "Generations",
    "Item",
    "Kind",
    "LeftOut",
    "Manifest",
    "PackageCache",
    "PlainPublisher",
    "PublishFailed",
    "Publisher",
    "RepositoryFacts",
    "RpmMdPublisher",
    "tree_path",
]
