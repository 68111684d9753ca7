"""A ``git push``: request in, commits and an event kept, report out.

    request -> commands and pack into quarantine -> checks -> one transaction -> report

The order matters. The pack is read to its end before the first byte of the
answer, so that clients hear the verdict instead of a broken connection; the
checks run without any lock; objects enter the repository only under its lock
and only when a ref is about to move. Whatever goes wrong is told in git's own
protocol: ``unpack`` when no object could be kept, ``ng`` per refused ref.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack

from storage.errors import (
    Conflict,
    InvalidContent,
    InvalidName,
    NotAllowed,
    PackhouseError,
    StaleTip,
)
from storage.git.examined import Examined
from storage.git.mainline import NotFastForward
from storage.git.packscan import PackLimits
from storage.git.pktline import Reader
from storage.git.pushcheck import PushCheck
from storage.git.pushes import PushResult
from storage.git.quarantine import Quarantine, open_quarantine
from storage.git.refs import MAIN, check_ref_name
from storage.git.transaction import RefMove
from storage.git.wire import PackIngest, is_public, public_refs
from storage.house import PackageStore, Storage
from storage.model import Author, CommitResult

from .pushreport import PushReport
from .pushrequest import PushRequest, RefCommand, read_push_request

logger = logging.getLogger(__name__)

_MOST_REFS = 2000
_WORTH_TELLING = 5000
_DRAIN_CHUNK_BYTES = 256 * 1024
_STALE = "fetch first"
_ATOMIC = "atomic push failed"


class Receiver:
    """Takes pushes for every package of a storage; shared by all threads."""

    def __init__(self, storage: Storage, ingest: PackIngest, limits: PackLimits) -> None:
        """Keep what every push needs.

        Args:
            storage: Where packages are.
            ingest: Indexes packs.
            limits: How much one push may bring.
        """
        self._storage = storage
        self._ingest = ingest
        self._limits = limits

    def receive(self, store: PackageStore, author: Author, body: Reader) -> Iterator[bytes]:
        """Answer one ``git-receive-pack`` request.

        The caller has checked that ``author`` may write to the package.

        Args:
            store: The package.
            author: Who pushes.
            body: The request, decompressed.

        Returns:
            The body of the answer; empty for a client that only tried its credentials.

        Raises:
            InvalidContent: The request cannot be understood, so no report can be made.
            TooLarge: It names too many refs.
        """
        request = read_push_request(body)
        if not request.commands:
            return iter(())
        return _Push(self._storage, self._ingest, self._limits, store, author, request).run(body)


class _Push:
    """One push; ``verdicts`` fills up as refs are refused."""

    def __init__(
        self,
        storage: Storage,
        ingest: PackIngest,
        limits: PackLimits,
        store: PackageStore,
        author: Author,
        request: PushRequest,
    ) -> None:
        self._storage = storage
        self._ingest = ingest
        self._limits = limits
        self._store = store
        self._author = author
        self._request = request
        self._report = PushReport(request.capabilities)
        self._atomic = "atomic" in request.capabilities
        self._refs = public_refs(store.repository.path)
        self._verdicts: dict[str, str] = {}
        self._hints: list[str] = []
        self._created = 0
        self._examined: Examined | None = None

    def run(self, body: Reader) -> Iterator[bytes]:
        """Do it all; yields the answer."""
        with ExitStack() as stack:
            unpack, result = "ok", None
            try:
                quarantine = self._take_in(stack, body)
                if quarantine.pushed is not None and len(quarantine.pushed) > _WORTH_TELLING:
                    yield from self._report.say(f"checking {len(quarantine.pushed)} objects")
                self._check(quarantine)
                result = self._apply(quarantine)
            except PackhouseError as error:
                unpack = self._failed(error)
            except Exception:
                logger.exception("push_failed", extra=self._facts())
                unpack = self._failed(PackhouseError("internal error", hint="try again later"))
            yield from self._answer(unpack, result)

    def _take_in(self, stack: ExitStack, body: Reader) -> Quarantine:
        """Judge the commands, then read the pack, also of a push that is refused already."""
        self._vet_all()
        tmp, repository = self._storage.tmp, self._store.repository.path
        quarantine = stack.enter_context(open_quarantine(tmp, repository))
        if self._request.brings_pack:
            try:
                quarantine.ingest(self._ingest, body, self._limits)
            except PackhouseError:
                _drain(body)
                raise
        return quarantine

    def _vet_all(self) -> None:
        for command in self._request.commands:
            try:
                self._vet(command)
            except PackhouseError as error:
                self._refuse(command, error)

    def _vet(self, command: RefCommand) -> None:
        """What can be said about a command without looking at objects."""
        check_ref_name(command.ref)
        if not is_public(command.ref):
            raise NotAllowed("only branches and tags can be pushed")
        if command.ref == MAIN and command.new is None:
            raise NotAllowed("main cannot be deleted", hint="delete the package instead")
        if command.old != self._refs.get(command.ref):
            raise StaleTip(_STALE)
        if command.old is None:
            self._created += 1
            if len(self._refs) + self._created > _MOST_REFS:
                raise Conflict(f"a repository has at most {_MOST_REFS} refs", hint="delete some")

    def _check(self, quarantine: Quarantine) -> None:
        check = PushCheck(
            quarantine.survey(self._ingest, self._limits),
            self._refs,
            self._store.large_size,
            self._storage.limits,
            self._limits,
            self._store.package,
        )
        for command in self._accepted():
            if command.new is None:
                continue
            try:
                check.check(command.ref, command.new)
            except PackhouseError as error:
                self._refuse(command, error)
        self._examined = check.examined

    def _apply(self, quarantine: Quarantine) -> PushResult | None:
        accepted = self._accepted()
        if self._atomic and self._verdicts:
            accepted = []
        if not accepted:
            return None
        moves = [RefMove(command.ref, command.old, command.new) for command in accepted]
        try:
            result = self._store.apply_push(
                moves,
                lambda: quarantine.migrate(self._store.repository.writer()),
                self._author,
                atomic=self._atomic,
                examined=self._examined,
            )
        except PackhouseError as error:
            for command in accepted:
                self._refuse(command, error)
            return None
        for command, outcome in zip(accepted, result.refs, strict=True):
            if outcome.error is not None:
                self._refuse(command, outcome.error)
        return result

    def _accepted(self) -> list[RefCommand]:
        return [c for c in self._request.commands if c.ref not in self._verdicts]

    def _refuse(self, command: RefCommand, error: PackhouseError) -> None:
        logger.info(
            "ref_refused", extra=self._facts() | {"ref": command.ref, "reason": error.message}
        )
        self._verdicts[command.ref] = _verdict(error)
        if error.hint and error.hint not in self._hints:
            self._hints.append(error.hint)

    def _failed(self, error: PackhouseError) -> str:
        """Refuse every ref for a reason that is not one ref's; returns the word on unpacking."""
        logger.info("push_refused", extra=self._facts() | {"reason": error.message})
        if error.hint:
            self._hints.append(error.hint)
        for command in self._accepted():
            self._verdicts[command.ref] = "unpacker error"
        return error.message

    def _answer(self, unpack: str, result: PushResult | None) -> Iterator[bytes]:
        verdicts = {}
        for command in self._request.commands:
            verdicts[command.ref] = self._verdicts.get(command.ref, "ok")
        if self._atomic and self._verdicts:
            verdicts = {ref: _ATOMIC if word == "ok" else word for ref, word in verdicts.items()}
        for hint in self._hints:
            yield from self._report.say(hint)
        if result is not None:
            for line in self._news(result, verdicts):
                yield from self._report.say(line)
        yield from self._report.close(unpack, verdicts)

    def _news(self, result: PushResult, verdicts: dict[str, str]) -> Iterator[str]:
        """What the push brought about, in words."""
        if result.revisions:
            yield _revision_line(result.revisions[-1])
        moved = {ref for ref, word in verdicts.items() if word == "ok"}
        if MAIN not in moved and any(ref.startswith("refs/heads/") for ref in moved):
            yield "only the branch main becomes revisions and is built"

    def _facts(self) -> dict[str, object]:
        package = self._store.package
        return {
            "project": package.project,
            "package": package.name,
            "login": self._author.login,
        }


def _revision_line(result: CommitResult) -> str:
    number = result.revision.number
    if result.build_id is not None:
        return f"revision {number}, build {result.build_id} queued"
    return f"revision {number}, nothing to build: the project has no repositories"


def _verdict(error: PackhouseError) -> str:
    """The reason git shows in brackets behind a refused ref."""
    if isinstance(error, StaleTip):
        return _STALE
    if isinstance(error, NotFastForward):
        return "non-fast-forward"
    if isinstance(error, InvalidName):
        return "invalid ref name"
    return error.message


def _drain(body: Reader) -> None:
    """Read what the client still sends: it looks for the answer only after that."""
    try:
        while body.read(_DRAIN_CHUNK_BYTES):
            pass
    except (InvalidContent, PackhouseError):
        logger.info("upload_given_up")
