"""Git's smart HTTP protocol.

    GET  /git/<project>/<package>.git/info/refs?service=git-upload-pack|git-receive-pack
    POST /git/<project>/<package>.git/git-upload-pack
    POST /git/<project>/<package>.git/git-receive-pack

``.git`` may be left out. The dumb protocol is not spoken: it would hand out
files of the repository that refs do not lead to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from hooks.pushrequest import CAPABILITIES
from hooks.receive import Receiver
from storage.errors import InvalidInput, NotAllowed
from storage.git.advertise import advertisement
from storage.git.packscan import PackLimits
from storage.git.pktline import FLUSH, packet
from storage.git.wire import checked_protocol, choose, fetch, public_refs

from .bodies import body_of
from .entrance import REPOSITORY, enter, refused

if TYPE_CHECKING:
    from ..wiring import House

_FETCH_REQUEST_BYTES = 8 << 20
_COMMANDS_BYTES = 1 << 20
_NO_CACHE = {
    "Cache-Control": "no-cache, max-age=0, must-revalidate",
    "Pragma": "no-cache",
    "Expires": "Fri, 01 Jan 1980 00:00:00 GMT",
}


def smart_http(house: House) -> Blueprint:
    """The routes of ``git clone``, ``git fetch`` and ``git push``."""
    door = SmartHttp(house)
    blueprint = Blueprint("git", __name__)
    routes = (
        ("GET", "/info/refs", door.info_refs),
        ("POST", "/git-upload-pack", door.upload_pack),
        ("POST", "/git-receive-pack", door.receive_pack),
        ("GET", "/HEAD", door.dumb),
        ("GET", "/objects/<path:name>", door.dumb),
    )
    for method, path, handler in routes:
        blueprint.add_url_rule(REPOSITORY + path, view_func=handler, methods=[method])
    blueprint.register_error_handler(Exception, refused)
    return blueprint


class SmartHttp:
    """Handlers of the routes."""

    def __init__(self, house: House) -> None:
        """Choose who serves fetches and indexes packs, once."""
        self._house = house
        limits = house.settings.limits
        self._pack_limits = PackLimits(
            pack_bytes=limits.pack_bytes, object_bytes=limits.object_bytes
        )
        self._fetches, ingest = choose(house.settings.native_git)
        self._receiver = Receiver(house.storage, ingest, self._pack_limits)

    def info_refs(self, project: str, package: str) -> Response:
        """The ref advertisement that opens every fetch and push."""
        service = request.args.get("service", "")
        if service not in ("git-upload-pack", "git-receive-pack"):
            return self.dumb(project, package)
        pushing = service == "git-receive-pack"
        repository = enter(self._house, project, package, write=pushing).store.repository.path
        body: Iterable[bytes]
        if pushing:
            body = _push_advertisement(public_refs(repository))
        else:
            protocol = checked_protocol(request.headers.get("Git-Protocol"))
            body = self._fetches.advertise(repository, protocol)
        return _answer(body, f"application/x-{service}-advertisement")

    def upload_pack(self, project: str, package: str) -> Response:
        """One round of a fetch."""
        store = enter(self._house, project, package, write=False).store
        _check_type("git-upload-pack")
        protocol = checked_protocol(request.headers.get("Git-Protocol"))
        body = body_of(request, _FETCH_REQUEST_BYTES)
        answer = fetch(self._fetches, store.repository.path, body, protocol)
        return _answer(answer, "application/x-git-upload-pack-result")

    def receive_pack(self, project: str, package: str) -> Response:
        """A push."""
        visit = enter(self._house, project, package, write=True)
        _check_type("git-receive-pack")
        body = body_of(request, self._pack_limits.pack_bytes + _COMMANDS_BYTES)
        answer = self._receiver.receive(visit.store, visit.identity.author(), body)
        return _answer(answer, "application/x-git-receive-pack-result")

    def dumb(self, project: str, package: str, name: str = "") -> Response:
        """Clients that do not speak the smart protocol are turned away."""
        enter(self._house, project, package, write=False)
        raise NotAllowed(
            "only git's smart HTTP protocol is spoken here", hint="use git 1.6.6 or newer"
        )


def _push_advertisement(refs: dict[str, str]) -> Iterator[bytes]:
    yield packet(b"# service=git-receive-pack\n") + FLUSH
    yield from advertisement(refs, CAPABILITIES)


def _check_type(service: str) -> None:
    """Only git clients send this type; a form on some web page cannot."""
    if request.mimetype != f"application/x-{service}-request":
        raise InvalidInput(f"expected a body of type application/x-{service}-request")


def _answer(body: Iterable[bytes], content_type: str) -> Response:
    return Response(body, content_type=content_type, headers=_NO_CACHE)
