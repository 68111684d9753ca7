"""A git client for tests: makes commits in a clone and hands them to ``apply_push``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from storage.git.pushes import PushResult
from storage.git.refs import MAIN
from storage.git.transaction import RefMove
from storage.house import PackageStore
from storage.model import Author

from .houses import BERT, git


@dataclass
class Clone:
    path: Path
    store: PackageStore
    known: str | None = None

    def write(self, name: str, content: bytes) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_bytes(content)

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=Pusher", "-c", "user.email=p@x", "-c", "core.hooksPath=/none")
        return git(self.path, *identity, *arguments)

    def commit(self, message: str = "commit", **files: str) -> str:
        for name, content in files.items():
            self.write(name, content.encode())
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.head()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    def pull(self) -> None:
        self.git("pull", "-q", "--rebase", str(self.store.repository.path), "main")

    def install(self) -> None:
        """Bring every object of the clone over, as a quarantine does."""
        repository = self.store.repository.path
        refspec = "--no-write-fetch-head"
        git(repository, "fetch", "-q", refspec, str(self.path), "--tags", "HEAD")

    def push(
        self,
        ref: str = MAIN,
        new: str | None = None,
        author: Author = BERT,
        *,
        more: tuple[RefMove, ...] = (),
        atomic: bool = False,
    ) -> PushResult:
        old = self.store.repository.refs.read(ref)
        moves = (RefMove(ref, old, new or self.head()), *more)
        return self.store.apply_push(moves, self.install, author, atomic=atomic)


def clone(store: PackageStore, path: Path) -> Clone:
    git(path.parent, "init", "-q", "-b", "main", str(path))
    made = Clone(path, store)
    if store.repository.refs.read(MAIN) is not None:
        made.pull()
    return made
