"""From an error of the house to an HTTP answer.

The table below is the only place that knows statuses. The path of the request
decides the dialect of the body: Copr's JSON, Git LFS's JSON, text for git, and
the OBS status document for everything else.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from storage import errors as e

from . import requestid
from .obs.status import obs_xml
from .streaming import RangeNotSatisfiable, drain

if TYPE_CHECKING:
    from .wiring import House

logger = logging.getLogger(__name__)

CHALLENGE = 'Basic realm="API login"'
"""Value of ``WWW-Authenticate``; osc only sends credentials after seeing it."""

STATUSES: dict[type[e.PackhouseError], tuple[int, str]] = {
    e.PackhouseError: (500, "internal_error"),
    e.InvalidInput: (400, "invalid_parameter"),
    e.InvalidName: (400, "invalid_parameter"),
    e.InvalidRevision: (400, "invalid_parameter"),
    e.InvalidContent: (400, "validation_failed"),
    e.ChecksumMismatch: (400, "checksum_mismatch"),
    e.MissingParameter: (400, "missing_parameter"),
    e.NameMismatch: (400, "invalid_parameter"),
    e.UnknownCommand: (404, "illegal_request"),
    e.StillUsed: (400, "repo_dependency"),
    e.NotAuthenticated: (401, "authentication_required"),
    e.NotAllowed: (403, "no_permission"),
    e.AccountInactive: (403, "inactive_user"),
    e.Locked: (403, "locked"),
    e.SourceAccessDenied: (403, "source_access_no_permission"),
    e.NotFound: (404, "not_found"),
    e.UnknownProject: (404, "unknown_project"),
    e.UnknownPackage: (404, "unknown_package"),
    e.UnknownFile: (404, "not_found"),
    e.UnknownRevision: (404, "not_found"),
    e.UnknownUser: (404, "not_found"),
    e.UnknownGroup: (404, "not_found"),
    e.UnknownRepository: (404, "unknown_repository"),
    e.UnknownBuild: (404, "not_found"),
    RangeNotSatisfiable: (416, "invalid_range"),
    e.Conflict: (409, "conflict"),
    e.AlreadyExists: (409, "already_exists"),
    e.StaleTip: (409, "conflict"),
    e.TooLarge: (413, "too_large"),
    e.StorageFull: (507, "storage_full"),
    e.Busy: (503, "busy"),
    e.Damaged: (500, "damaged"),
}

_RETRY_AFTER_S = 5
_STATUS_OF_CODE = {
    # Words whose status the contract fixes whatever class raised them.
    "double_branch_package": 400,
    "package_exists": 400,
    "project_exists": 400,
    "spec_file_exists": 400,
    "not_locked": 400,
    "not_missing": 400,
}

_HTTP_CODES = {401: "authentication_required", 404: "not_found", 413: "too_large"}
_HTTP_TEXTS = {404: "unknown route", 405: "method not allowed here"}


@dataclass(frozen=True, slots=True)
class Problem:
    """What a renderer needs to know of an error.

    Attributes:
        code: The protocol's code word.
        message: One line for people.
        hint: What the caller can do next, may be empty.
    """

    status: int
    code: str
    message: str
    hint: str
    request_id: str


Renderer = Callable[[Problem], Response]


def describe(error: Exception) -> Problem:
    """Look an error up in the table; unknown ones become a bare 500."""
    if isinstance(error, e.PackhouseError):
        status, code = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
        code = error.code or code
        status = _STATUS_OF_CODE.get(code, status)
        message = error.message if status != 500 else "internal error"
        return Problem(status, code, _one_line(message), error.hint, requestid.current())
    if isinstance(error, HTTPException):
        status = error.code or 500
        code = _HTTP_CODES.get(status, "illegal_request")
        text = _HTTP_TEXTS.get(status) or error.description or "bad request"
        return Problem(status, code, _one_line(text), "", requestid.current())
    return Problem(500, "internal_error", "internal error", "", requestid.current())


def render(problem: Problem, path: str) -> Response:
    """Write a problem in the dialect that ``path`` belongs to."""
    response = _renderer(path)(problem)
    response.status_code = problem.status
    response.headers["X-Opensuse-Errorcode"] = problem.code
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = CHALLENGE
    if problem.status in (503, 507):
        response.headers["Retry-After"] = str(_RETRY_AFTER_S)
    return response


def install(app: Flask, house: House) -> None:
    """Make the application answer every error through this module."""

    def handle(error: Exception) -> Response:
        if isinstance(error, HTTPException) and (error.code or 500) < 400:
            return Response(error.get_response().response, error.code, error.get_headers())
        problem = describe(error)
        if problem.status >= 500 and problem.status != 503:
            logger.error("request_failed", exc_info=error)
        # The caller may still be sending; unread bytes would be taken for the
        # next request of the connection.
        all_read = drain(request, house.settings.limits.file_bytes)
        response = render(problem, request.path)
        if not all_read:
            response.headers["Connection"] = "close"
        return response

    app.register_error_handler(Exception, handle)


def lfs_json(problem: Problem) -> Response:
    """Error object of the Git LFS API."""
    body = {"message": problem.message, "request_id": problem.request_id}
    return Response(json.dumps(body), content_type="application/vnd.git-lfs+json")


def plain_text(problem: Problem) -> Response:
    """One line, which git shows after ``remote:``."""
    text = problem.message + (f" ({problem.hint})" if problem.hint else "")
    return Response(text + "\n", content_type="text/plain; charset=utf-8")


def _renderer(path: str) -> Renderer:
    if path.startswith("/api_3"):
        from .copr.errors import copr_json

        return copr_json
    if path.startswith("/git/") and "/info/lfs" in path:
        return lfs_json
    if path.startswith("/git/"):
        return plain_text
    return obs_xml


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", str(text)).strip()
