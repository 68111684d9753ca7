"""From an accepted form to a build row; the builder does the rest."""

from __future__ import annotations

import dataclasses
import logging
import os
import shutil
from typing import TYPE_CHECKING, Any

from builder.srpm.places import upload_dir
from storage.errors import Busy, UnknownBuild
from storage.git.staging import StagedFile
from storage.model import Build, EventKind, JsonObject, Package, Revision, SourceState

from . import json as shapes
from .call import Call
from .chroots import chroots_of
from .directories import ensure_directory, read_dirname
from .errors import Forbidden
from .forms import Form
from .lookup import Named, find_build, may_build
from .options import read_options
from .problems import Problems
from .views import look

if TYPE_CHECKING:
    from storage.records import Unit

logger = logging.getLogger(__name__)


def require_build(call: Call, named: Named, text: str) -> None:
    """Let the caller build in the project, or say Copr's words.

    Raises:
        Forbidden: The caller is neither maintainer nor approved builder.
    """
    call.identity.required()
    if not may_build(call.identity, named):
        raise Forbidden(text)


def build_options(
    call: Call, unit: Unit, named: Named, form: Form, problems: Problems
) -> JsonObject:
    """The options of a build in this project; complaints go to ``problems``.

    Raises:
        InvalidInput: The side directory cannot be had.
    """
    read_dirname(named, form.text("project_dirname"))

    def find(build_id: int) -> Build | None:
        try:
            return find_build(unit, call.identity, str(build_id)).build
        except UnknownBuild:
            return None

    options = read_options(
        form,
        chroots_of(named.project.meta),
        problems,
        longest_s=call.house.settings.build.max_timeout_s,
        find=find,
    )
    options.setdefault("enable_net", named.settings.enable_net)
    return options


@dataclasses.dataclass(frozen=True, slots=True)
class Submission:
    """A build to be made.

    Attributes:
        source_type: What makes the SRPM.
        source: Its arguments.
        options: As ``build_options`` gives them.
        package: The package, where it is known before the SRPM.
    """

    source_type: str
    source: JsonObject
    options: JsonObject
    package: Package | None = None


def place_of(call: Call, named: Named, form: Form) -> Named:
    """The project or side directory the form wants builds in; made if it is missing."""
    name = read_dirname(named, form.text("project_dirname"))
    return ensure_directory(call, named, name)


def submit(call: Call, named: Named, submission: Submission) -> Build:
    """Record a build whose source part is still to be made, and wake the builder."""
    with call.house.records.begin() as unit:
        build = unit.builds.create(_row(call, named, submission))
    _hand_out(call, build)
    return build


def submit_upload(
    call: Call, named: Named, submission: Submission, filename: str, staged: StagedFile
) -> Build:
    """``submit`` with a file, which must be in place before the row is seen."""
    with call.house.records.begin() as unit:
        build = unit.builds.create(_row(call, named, submission))
        url = f"{call.urls.source(named.name, build.id)}/{filename}"
        source = {"url": url, "pkg": filename, "tmp": f"{build.id:08d}"}
        build = unit.builds.update(build.id, source_dict=source)
        directory = upload_dir(call.house.settings.data_dir, build.id)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        # A second name for the staged content: same file system, nothing is copied.
        os.link(staged.path, directory / filename)
    _hand_out(call, build)
    return build


def rebuild(
    call: Call, named: Named, package: Package, revision: Revision, options: JsonObject
) -> Build:
    """Record a build of what the package's own repository holds."""
    with call.house.records.begin() as unit:
        row = dataclasses.replace(
            _row(call, named, Submission("", {}, options, package)),
            commit=revision.commit,
            rev=revision.number,
            srcmd5=revision.srcmd5,
            source_state=SourceState.SUCCEEDED,
        )
        build = unit.builds.create(row)
        payload: JsonObject = {
            "project_id": package.project_id,
            "package_id": package.id,
            "build_id": build.id,
            "user": call.identity.login,
        }
        unit.events.append(
            EventKind.REBUILD_ASKED, named.project.name, package.name, payload, call.now
        )
    call.house.queue.wake()
    return build


def _hand_out(call: Call, build: Build) -> None:
    """Tell the workers; without a queue the reconciler does it later."""
    priority = "low" if build.options.get("background") else "default"
    try:
        call.house.queue.enqueue_source(build.id, build.source_attempt, priority)
    except Busy:
        logger.warning("queue_down", extra={"build": build.id})


def shown(call: Call, named: Named, build: Build) -> dict[str, Any]:
    """The JSON of a build just made."""
    with call.records() as unit:
        return shapes.build(look(unit, build, named.project), named.name, call.urls)


def _row(call: Call, named: Named, submission: Submission) -> Build:
    package = submission.package
    # A side directory has packages of its own, which the first import makes.
    is_here = package is not None and package.project_id == named.project.id
    return Build(
        id=0,
        project_id=named.project.id,
        project=named.project.name,
        package_id=package.id if package and is_here else None,
        package=package.name if package else "",
        commit="",
        rev=0,
        srcmd5="",
        cause="copr",
        submitter=call.identity.login or None,
        created_at=call.now,
        source_state=SourceState.PENDING,
        source_type=submission.source_type,
        source_dict=submission.source,
        options=submission.options,
    )
