"""Every call of the Copr door, as a table."""

from __future__ import annotations

from typing import Any

from . import (
    buildchroots,
    builds,
    forks,
    general,
    monitoring,
    packages,
    permissions,
    projectchroots,
    projects,
    repofiles,
    submissions,
)
from .call import Call
from .errors import UnknownEndpoint
from .routing import Route

_PROJECT = "<ownername>/<projectname>"


def _not_here(call: Call) -> dict[str, Any]:
    """A call of newer servers; clients take the 404 for an answer."""
    raise UnknownEndpoint()


ROUTES = (
    Route("GET", "/", general.home),
    Route("GET", "/auth-check/", general.auth_check, login=True),
    Route("POST", "/api-token/", general.new_api_token, login=True),
    Route("GET", "/mock-chroots/list/", general.mock_chroots),
    # --- packages
    Route("GET", "/package/", packages.show),
    Route("GET", "/package/list/", packages.listed),
    Route(
        "POST",
        f"/package/add/{_PROJECT}/<package_name>/<source_type_text>/",
        packages.add,
        login=True,
    ),
    Route(
        "POST",
        f"/package/edit/{_PROJECT}/<package_name>/<source_type_text>/",
        packages.edit,
        login=True,
    ),
    Route("POST", f"/package/edit/{_PROJECT}/<package_name>/", packages.edit, login=True),
    Route("PUT", "/package/reset/", packages.reset, login=True),
    Route("POST", "/package/build/", submissions.from_package, login=True),
    Route("DELETE", "/package/delete/", packages.delete, login=True),
    # --- builds
    Route("GET", "/build/<int:build_id>/", builds.show),
    Route("GET", "/build/list/", builds.listed),
    Route("GET", "/build/source-chroot/<int:build_id>/", builds.source_chroot),
    Route("GET", "/build/source-build-config/<int:build_id>/", builds.source_build_config),
    Route("GET", "/build/built-packages/<int:build_id>/", builds.built_packages),
    Route("POST", "/build/check-before-build/", submissions.check, login=True),
    Route("POST", "/build/create/url/", submissions.from_urls, login=True),
    Route("POST", "/build/create/upload/", submissions.from_upload, login=True),
    Route("POST", "/build/create/rpm-upload/", _not_here),
    Route("POST", "/build/create/scm/", submissions.from_source("scm"), login=True),
    Route("POST", "/build/create/distgit/", submissions.from_source("distgit"), login=True),
    Route("POST", "/build/create/pypi/", submissions.from_source("pypi"), login=True),
    Route("POST", "/build/create/rubygems/", submissions.from_source("rubygems"), login=True),
    Route("POST", "/build/create/custom/", submissions.from_source("custom"), login=True),
    Route("PUT", "/build/cancel/<int:build_id>/", builds.cancel, login=True),
    Route("DELETE", "/build/delete/<int:build_id>/", builds.delete, login=True),
    Route("DELETE", "/build/delete/list/", builds.delete_list, login=True),
    # --- chroots of builds
    Route("GET", "/build-chroot/", buildchroots.show),
    Route("GET", "/build-chroot/list/", buildchroots.listed),
    Route("GET", "/build-chroot/list/<int:build_id>/", buildchroots.listed),
    Route("GET", "/build-chroot/build-config/", buildchroots.build_config),
    Route(
        "GET", "/build-chroot/build-config/<int:build_id>/<chrootname>/", buildchroots.build_config
    ),
    Route("GET", "/build-chroot/built-packages/", buildchroots.built_packages),
    Route("GET", "/build-chroot/<int:build_id>/<chrootname>/", buildchroots.show),
    # --- projects
    Route("GET", "/project/", projects.show),
    Route("GET", "/project/list/", projects.listed),
    Route("GET", "/project/search/", projects.search),
    Route("POST", "/project/add/<ownername>/", projects.add, login=True),
    Route("PUT", f"/project/edit/{_PROJECT}/", projects.edit, login=True),
    Route("DELETE", f"/project/delete/{_PROJECT}/", projects.delete, login=True),
    Route("POST", f"/project/fork/{_PROJECT}/", forks.fork, login=True, also="PUT"),
    Route("PUT", f"/project/regenerate-repos/{_PROJECT}/", projects.regenerate, login=True),
    Route("POST", f"/webhook/generate/{_PROJECT}/", projects.new_webhook_secret, login=True),
    Route("GET", f"/rpmrepo/{_PROJECT}/<name_release>/", repofiles.describe),
    # --- permissions
    Route(
        "GET",
        f"/project/permissions/can_build_in/<who>/{_PROJECT}/",
        permissions.can_build_in,
    ),
    Route("GET", f"/project/permissions/get/{_PROJECT}/", permissions.show, login=True),
    Route("PUT", f"/project/permissions/set/{_PROJECT}/", permissions.set_permissions, login=True),
    Route(
        "PUT",
        f"/project/permissions/request/{_PROJECT}/",
        permissions.request_permissions,
        login=True,
    ),
    # --- chroots of projects
    Route("GET", "/project-chroot/", projectchroots.show),
    Route("GET", "/project-chroot/build-config/", projectchroots.build_config),
    Route("PUT", f"/project-chroot/edit/{_PROJECT}/<chrootname>/", projectchroots.edit, login=True),
    Route("GET", "/monitor/", monitoring.monitor),
)
"""All of it, below ``/api_3``."""
