"""Who comes to which package: names, identity and permission for every git route."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flask import Response, g, request
from werkzeug.exceptions import HTTPException

from storage.errors import NotAllowed, NotAuthenticated, NotFound
from storage.model import Package
from storage.names import PROJECT_CONTAINER, PackageName, ProjectName

from .. import errors
from ..access import Action, allowed, locate
from ..identity import Identity, authenticate
from ..streaming import drain

if TYPE_CHECKING:
    from storage.house import PackageStore

    from ..wiring import House

REPOSITORY = "/git/<project>/<package>"
"""Start of every route; the package may carry ``.git``."""

_DRAIN_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Visit:
    """A caller who may do what the route is for.

    Attributes:
        store: The package.
        may_write: Whether the caller could also push.
    """

    identity: Identity
    store: PackageStore
    may_write: bool

    @property
    def package(self) -> Package:
        """The package's row."""
        return self.store.package


def enter(house: House, project: str, package: str, *, write: bool) -> Visit:
    """Let a caller in, or raise what the client shall see.

    An anonymous caller who may not is asked for a password, also where the
    project is hidden or missing: git only then sends credentials, and nobody
    learns which of the reasons it was.

    Args:
        house: The house.
        project: From the path.
        package: From the path, with or without ``.git``.
        write: Whether this is for changing the sources.

    Raises:
        NotAuthenticated: Credentials are missing or wrong.
        NotAllowed: The caller is known and may not.
        NotFound: No such package, or hidden.
        InvalidName: The path names nothing that could exist.
    """
    names = ProjectName.parse(project), PackageName.parse(package.removesuffix(".git"))
    identity = authenticate(request)
    g.login = identity.login
    try:
        may_write = _permitted(house, identity, *names, write=write)
    except (NotAllowed, NotFound) as refusal:
        if identity.account is None:
            raise NotAuthenticated(
                "authentication required", hint="give a user name and a password or token"
            ) from refusal
        raise
    return Visit(identity, house.storage.package(*names), may_write)


def _permitted(
    house: House, identity: Identity, project: ProjectName, package: PackageName, *, write: bool
) -> bool:
    if not house.settings.anonymous_read:
        identity.required()
    changing = Action.WRITE_CONFIG if package == PROJECT_CONTAINER else Action.WRITE_FILE
    with house.records.read() as unit:
        target = locate(unit, identity, project, package)
        allowed(identity, Action.READ_SOURCE, target)
        if write:
            allowed(identity, changing, target)
            return True
        try:
            allowed(identity, changing, target)
        except (NotAllowed, NotAuthenticated):
            return False
    return True


def refused(error: Exception) -> Response:
    """An error as a git or LFS client understands it.

    What the client is still sending is taken off the connection first, so that
    it gets to read the answer; within limits, for it may be nobody's client.
    """
    if isinstance(error, HTTPException) and (error.code or 500) < 400:
        return Response(error.get_response().response, error.code, error.get_headers())
    problem = errors.describe(error)
    if problem.status >= 500 and problem.status != 503:
        errors.logger.error("request_failed", exc_info=error)
    all_read = drain(request, _DRAIN_BYTES)
    is_lfs = "/info/lfs/" in request.path
    if is_lfs and problem.hint:
        problem = replace(problem, message=f"{problem.message}: {problem.hint}")
    response = errors.render(problem, request.path)
    if is_lfs and problem.status == 401:
        response.headers["LFS-Authenticate"] = errors.CHALLENGE
    if not all_read:
        response.headers["Connection"] = "close"
    return response
