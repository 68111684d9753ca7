"""Committing a list of files, and the upload area (OBS API contract, sections 7.7 to 7.9)."""

from __future__ import annotations

import re

from flask import Response

from storage.errors import InvalidContent, InvalidInput
from storage.model import WantedFile
from storage.names import LATEST, FileName

from ..access import Action
from . import directory, revisions
from .call import Call
from .routing import Handler
from .special import check_name
from .status import answer, ok
from .xml import Node

_MD5 = re.compile(r"[0-9a-f]{32}")
_PROOF = re.compile(r"sha256:([0-9a-f]{64})")


def commit_file_list(call: Call) -> Response:
    """``cmd=commitfilelist`` [SRC-20]: the whole new tree by name and md5.

    Answers the missing files, or the listing of the new revision.
    """
    call.check_package(Action.COMMAND_PACKAGE)
    validate = call.flag("withvalidate")
    files = [_wanted(node) for node in call.document("directory").all("entry")]
    made = call.house.storage.package(call.project, call.package).commit_files(
        files,
        call.identity.author(),
        call.comment,
        validate=validate,
        request_id=_request_id(call),
        operation=call.operation,
    )
    if isinstance(made, list):
        return directory.missing(call.package, made, explain=validate)
    return answer(directory.files(call.package, LATEST, made.revision, made.listing))


def commit(call: Call) -> Response:
    """``cmd=commit`` [PKG-16]: makes the upload area a revision."""
    call.check_package(Action.COMMAND_PACKAGE)
    if call.param("rev") not in ("", "upload", "latest"):
        raise InvalidInput("only the upload area or the latest revision can be committed")
    store = call.house.storage.package(call.project, call.package)
    made = store.commit_upload(call.identity.author(), call.comment, operation=call.operation)
    return revisions.revision(made.revision)


def delete_upload(call: Call) -> Response:
    """``cmd=deleteuploadrev`` [PKG-17]: fine if there is no upload area."""
    call.check_package(Action.COMMAND_PACKAGE)
    call.house.storage.package(call.project, call.package).drop_upload()
    return ok()


def _wanted(node: Node) -> WantedFile:
    name, md5 = node.attrs.get("name", ""), node.attrs.get("md5", "")
    if _MD5.fullmatch(md5) is None:
        raise InvalidContent("not a md5 sum", code="invalid_parameter")
    check_name(name)
    proof = _PROOF.fullmatch(node.attrs.get("hash", ""))
    return WantedFile(FileName.parse(name), md5, proof.group(1) if proof else None)


def _request_id(call: Call) -> str | None:
    number = call.number("requestid")
    return str(number) if number is not None else None


COMMANDS: dict[str, Handler] = {
    "commitfilelist": commit_file_list,
    "commit": commit,
    "deleteuploadrev": delete_upload,
}
