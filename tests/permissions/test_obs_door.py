"""The OBS door asks before it answers: every route x every role."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.facade.houses import Caller, Street, fast_directory

ROLES = (
    "nobody",
    "stranger",
    "reader",
    "bugowner",
    "packager",
    "maintainer",
    "member",
    "above",
    "admin",
)
EVERYBODY = set(ROLES)
LOGGED_IN = EVERYBODY - {"nobody"}
INSIDE = {"maintainer", "member", "above", "admin"}
PACKAGERS = INSIDE | {"packager"}
SEES_CLOSED = LOGGED_IN - {"stranger"}
ADMIN = {"admin"}

P = "/source/Top:Base"
K = f"{P}/hello"
PROJECT_META = "<project name='Top:Base'><title/><description/>{roles}</project>"
ROLE_LINES = (
    "<person userid='reader' role='reader'/><person userid='bugowner' role='bugowner'/>"
    "<person userid='maintainer' role='maintainer'/><group groupid='team' role='maintainer'/>"
)


@dataclass(frozen=True)
class Row:
    """One request and who gets through; the answer of a refusal carries ``code``."""

    method: str
    url: str
    may: frozenset[str] | set[str]
    code: str = ""
    body: str = ""


ROWS = [
    Row("GET", "/about", EVERYBODY),
    Row("GET", "/source", LOGGED_IN),
    Row("GET", P, LOGGED_IN),
    Row("GET", f"{P}/_meta", LOGGED_IN),
    Row("GET", f"{P}/_config", LOGGED_IN),
    Row("GET", K, LOGGED_IN),
    Row("GET", f"{K}/_meta", LOGGED_IN),
    Row("GET", f"{K}/_history", LOGGED_IN),
    Row("GET", f"{K}/f", LOGGED_IN),
    Row("POST", f"{K}?cmd=getprojectservices", LOGGED_IN),
    Row("GET", "/build/Top:Base/_result", LOGGED_IN),
    Row("GET", "/build/Top:Base/standard/x86_64/hello", LOGGED_IN),
    Row("GET", "/build/_workerstatus", LOGGED_IN),
    Row("GET", "/search/project/id?match=@name='x'", LOGGED_IN),
    Row("GET", "/person/reader", LOGGED_IN),
    Row("GET", "/group", LOGGED_IN),
    Row("GET", "/configuration", LOGGED_IN),
    Row("GET", "/request?view=collection&project=x", LOGGED_IN),
    Row("GET", "/source/Top:Closed/hello", SEES_CLOSED, "source_access_no_permission"),
    Row("GET", "/source/Top:Closed/hello/f", SEES_CLOSED, "source_access_no_permission"),
    Row("GET", "/source/Top:Closed/_meta", LOGGED_IN),
    Row("GET", "/source/Top:Hidden", SEES_CLOSED, "unknown_project"),
    Row("GET", "/source/Top:Hidden/_meta", SEES_CLOSED, "unknown_project"),
    Row("GET", "/build/Top:Hidden", SEES_CLOSED, "unknown_project"),
    Row("PUT", f"{P}/_meta", INSIDE, "change_project_no_permission", "META"),
    Row("PUT", f"{P}/_config", INSIDE, "put_project_config_no_permission", "Type: spec"),
    Row("PUT", f"{P}/_project/_config", INSIDE, "put_project_config_no_permission", "x"),
    Row(
        "POST", f"{P}?cmd=set_flag&flag=build&status=enable", INSIDE, "cmd_execution_no_permission"
    ),
    Row("DELETE", f"{P}/_pubkey", {"above", "admin"}, "delete_project_pubkey_no_permission"),
    Row(
        "PUT",
        f"{P}/new/_meta",
        INSIDE,
        "update_project_not_authorized",
        "<package name='new' project='Top:Base'/>",
    ),
    Row(
        "PUT",
        f"{K}/_meta",
        PACKAGERS,
        "update_package_not_authorized",
        "<package name='hello' project='Top:Base'>"
        "<person userid='packager' role='maintainer'/></package>",
    ),
    Row("PUT", f"{K}/f", PACKAGERS, "put_file_no_permission", "x"),
    Row("PUT", f"{K}/g?rev=repository", PACKAGERS, "put_file_no_permission", "x"),
    Row("PUT", f"{K}/g?rev=upload", PACKAGERS, "put_file_no_permission", "x"),
    Row("DELETE", f"{K}/g?rev=upload", PACKAGERS, "delete_file_no_permission"),
    Row("POST", f"{K}?cmd=deleteuploadrev", PACKAGERS, "cmd_execution_no_permission"),
    Row("POST", f"{K}?cmd=commit", PACKAGERS, "cmd_execution_no_permission"),
    Row(
        "POST",
        f"{K}?cmd=commitfilelist",
        PACKAGERS,
        "cmd_execution_no_permission",
        "<directory><entry name='f' md5='9dd4e461268c8034f5c8564e155c67a6'/></directory>",
    ),
    Row(
        "POST",
        f"{K}?cmd=set_flag&flag=build&status=enable",
        PACKAGERS,
        "cmd_execution_no_permission",
    ),
    Row("PUT", "/source/Top:Base:New/_meta", INSIDE, "create_project_no_permission", "NEW"),
    Row("PUT", "/source/Other/_meta", ADMIN, "create_project_no_permission", "OTHER"),
    Row("GET", "/source?deleted=1", ADMIN, "no_permission_for_deleted"),
    Row("PUT", "/group/team2", ADMIN, "no_permission", "<group><title>team2</title></group>"),
    Row("PUT", "/person/reader", {"reader", "admin"}, "change_userinfo_no_permission", "<person/>"),
    Row("GET", "/person/reader/token", {"reader", "admin"}, "change_userinfo_no_permission"),
    Row("POST", "/person/stranger?cmd=lock", ADMIN, "no_permission"),
]
BODIES = {
    "META": PROJECT_META.format(roles=ROLE_LINES),
    "NEW": "<project name='Top:Base:New'><title/><description/></project>",
    "OTHER": "<project name='Other'><title/><description/></project>",
}


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    street = Street(fast_directory(tmp_path_factory.mktemp("doors")))
    for role in set(ROLES) - {"nobody", "admin"}:
        street.person(role)
    street.admin.put(
        "/group/team",
        "<group><title>team</title><person><person userid='member'/></person></group>",
    )
    street.project("Top", "<person userid='above' role='maintainer'/>")
    closed = "<person userid='packager' role='downloader'/>" + ROLE_LINES
    repository = "<repository name='standard'><arch>x86_64</arch></repository>"
    street.project("Top:Base", ROLE_LINES + repository)
    street.project("Top:Closed", f"{closed}<sourceaccess><disable/></sourceaccess>")
    street.project("Top:Hidden", f"{closed}<access><disable/></access>")
    for project in ("Top:Base", "Top:Closed", "Top:Hidden"):
        street.package(project, "hello", "<person userid='packager' role='maintainer'/>")
        street.file(f"{project}/hello/f", "x")
    yield street
    street.close()


def _caller(street: Street, role: str) -> Caller:
    if role == "nobody":
        return street.anonymous()
    return street.admin if role == "admin" else Caller(street.app, role)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.url}")
def test_who_gets_through(street: Street, row: Row) -> None:
    # Those who may come last: what they do must not open the way for the others.
    for role in sorted(ROLES, key=lambda role: role in row.may):
        response = _caller(street, role).call(row.method, row.url, BODIES.get(row.body, row.body))
        if role in row.may:
            # Whether there is something to do is another question.
            assert response.status_code in (200, 404), (role, response.text)
            assert response.headers.get("X-Opensuse-Errorcode") != row.code
            continue
        if role == "nobody":
            assert response.status_code == 401
            continue
        code = response.headers["X-Opensuse-Errorcode"]
        assert (code, response.status_code in (403, 404)) == (row.code, True), (role, response.text)
    if row.method == "PUT" and row.url == f"{P}/_meta":
        street.project(
            "Top:Base",
            ROLE_LINES + "<repository name='standard'><arch>x86_64</arch></repository>",
        )
    if row.url.startswith("/person/stranger"):
        with street.house.records.begin() as unit:
            unit.accounts.update(street.account("stranger").id, state="confirmed")
    if row.url == "/source/Top:Base:New/_meta":
        street.admin.delete("/source/Top:Base:New")
