import pytest

from tests.facade.houses import Caller, Street, status_of

PROJECT = "<project name='{0}'><title/><description/>{1}</project>"


def _names(document) -> list[str]:
    return [entry.get("name") for entry in document]


def test_the_creator_of_a_project_becomes_its_maintainer(anna: Caller) -> None:
    assert anna.put("/source/home:anna/_meta", PROJECT.format("home:anna", "")).status_code == 200
    person = anna.xml("/source/home:anna/_meta").find("person")
    assert person.attrib == {"userid": "anna", "role": "maintainer"}


def test_an_administrator_does_not_join_a_project_made_for_others(
    street: Street, anna: Caller
) -> None:
    street.project("home:anna", "<person userid='anna' role='maintainer'/>")
    people = [p.get("userid") for p in anna.xml("/source/home:anna/_meta").findall("person")]
    assert people == ["anna"]


def test_the_new_meta_replaces_the_old_one_as_a_whole(street: Street, admin: Caller) -> None:
    street.project("Base", "<url>http://a</url><build><disable/></build>")
    street.project("Base", "<person userid='Admin' role='maintainer'/>")
    document = admin.xml("/source/Base/_meta")
    assert [child.tag for child in document] == ["title", "description", "person"]


def test_elements_come_back_in_the_order_of_obs(street: Street, admin: Caller) -> None:
    street.project("Up")
    admin.put("/group/g", "<group><title>g</title></group>")
    street.project(
        "Base",
        "<repository name='b'><arch>x86_64</arch></repository><repository name='a'/>"
        "<access><enable/></access><lock><disable/></lock><build><enable/></build>"
        "<group groupid='g' role='reviewer'/><person userid='Admin' role='bugowner'/>"
        "<devel project='Up'/><url>u</url><link project='Up'/>",
    )
    tags = [child.tag for child in admin.xml("/source/Base/_meta")]
    assert tags == (
        "title description link url devel person person group lock build access repository"
        " repository".split()
    )


def test_every_revision_of_a_meta_can_be_read(street: Street, admin: Caller) -> None:
    street.project("Base", "<url>one</url>")
    first = admin.get("/source/Base/_meta").data
    street.project("Base", "<url>two</url>")
    assert admin.get("/source/Base/_project/_meta?rev=1").data == first
    assert admin.get("/source/Base/_meta?rev=2").data == admin.get("/source/Base/_meta").data
    history = admin.xml("/source/Base/_project/_history?meta=1")
    assert [r.get("rev") for r in history] == ["1", "2"]


def test_the_comment_of_a_meta_change_is_kept(street: Street, admin: Caller) -> None:
    admin.put("/source/Base/_meta?comment=why%20not", PROJECT.format("Base", ""))
    history = admin.xml("/source/Base/_project/_history?meta=1")
    assert history[0].findtext("comment") == "why not"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (PROJECT.format("Other", ""), "project_name_mismatch"),
        ("<package/>", "validation_failed"),
        ("<project><title/></project>", "validation_failed"),
        (PROJECT.format("Base", "<nonsense/>"), "validation_failed"),
        (PROJECT.format("Base", "<url a='1'>x</url>"), "validation_failed"),
        (PROJECT.format("Base", "<url>a</url><url>b</url>"), "validation_failed"),
        (PROJECT.format("Base", "stray text"), "validation_failed"),
        (PROJECT.format("Base", "<person userid='anna' role='king'/>"), "validation_failed"),
        (PROJECT.format("Base", "<person role='maintainer'/>"), "validation_failed"),
        (
            PROJECT.format("Base", "<repository name='a'><arch>pdp11</arch></repository>"),
            "validation_failed",
        ),
        (
            PROJECT.format("Base", "<repository name='a'/><repository name='a'/>"),
            "validation_failed",
        ),
        (PROJECT.format("Base", "<repository name='_a'/>"), "invalid_repository_name"),
        (PROJECT.format("Base", "<lock><enable arch='i586'/></lock>"), "validation_failed"),
        (PROJECT.format("Base", "<link project='a::b'/>"), "invalid_project_name"),
    ],
)
def test_a_bad_project_meta_is_refused(admin: Caller, body: str, code: str) -> None:
    status, found, summary = status_of(admin.put("/source/Base/_meta", body))
    assert (status, found) == (400, code), summary
    assert admin.get("/source/Base/_meta").status_code == 404


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ("<person userid='nobody' role='maintainer'/>", "not_found"),
        ("<group groupid='nobodies' role='maintainer'/>", "not_found"),
        ("<link project='Gone'/>", "project_read_access_failure"),
        (
            "<repository name='a'><path project='Gone' repository='b'/></repository>",
            "repository_access_failure",
        ),
        (
            "<repository name='a'><path project='Base' repository='c'/></repository>",
            "repository_access_failure",
        ),
    ],
)
def test_a_meta_only_names_what_exists(admin: Caller, inside: str, code: str) -> None:
    status, found, _ = status_of(admin.put("/source/Base/_meta", PROJECT.format("Base", inside)))
    assert (status, found) == (404, code)


def test_a_project_may_have_paths_to_its_own_new_repositories(street: Street) -> None:
    street.project(
        "Base",
        "<repository name='a'/><repository name='b'><path project='Base' repository='a'/>"
        "</repository>",
    )


def test_a_repository_that_others_build_against_stays(street: Street, admin: Caller) -> None:
    street.project("Base", "<repository name='standard'/>")
    street.project(
        "Top", "<repository name='a'><path project='Base' repository='standard'/></repository>"
    )
    body = PROJECT.format("Base", "")
    assert status_of(admin.put("/source/Base/_meta", body))[:2] == (400, "repo_dependency")
    assert admin.put("/source/Base/_meta?force=1", body).status_code == 200


def test_only_an_administrator_hides_what_was_visible(
    street: Street, admin: Caller, anna: Caller
) -> None:
    owner = "<person userid='anna' role='maintainer'/>"
    street.project("home:anna", by=anna)
    for flag in ("access", "sourceaccess"):
        inside = f"{owner}<{flag}><disable/></{flag}>"
        body = PROJECT.format("home:anna", inside)
        answer = status_of(anna.put("/source/home:anna/_meta", body))
        assert answer[:2] == (403, "change_project_protection_level")
        assert admin.put("/source/home:anna/_meta", body).status_code == 200
        admin.put("/source/home:anna/_meta", PROJECT.format("home:anna", owner))


def test_a_hidden_project_does_not_exist_for_strangers(
    street: Street, anna: Caller, bert: Caller
) -> None:
    hidden = "<person userid='anna' role='reader'/><access><disable/></access>"
    street.project("Secret", hidden)
    street.package("Secret", "p")
    assert _names(anna.xml("/source")) == ["Secret"]
    assert _names(bert.xml("/source")) == []
    for url in ("/source/Secret", "/source/Secret/_meta", "/source/Secret/p", "/build/Secret"):
        assert anna.get(url).status_code == 200
        assert status_of(bert.get(url))[:2] == (404, "unknown_project")
    missing = bert.put("/source/Missing/_meta", PROJECT.format("Missing", ""))
    present = bert.put("/source/Secret/_meta", PROJECT.format("Secret", ""))
    assert status_of(present)[:2] == status_of(missing)[:2]
    match = "match=starts-with(@name,'S')"
    assert bert.xml(f"/search/project/id?{match}").get("matches") == "0"
    assert anna.xml(f"/search/project/id?{match}").get("matches") == "1"


def test_closed_sources_still_have_a_meta(street: Street, anna: Caller, bert: Caller) -> None:
    closed = "<person userid='anna' role='downloader'/><sourceaccess><disable/></sourceaccess>"
    street.project("Closed", closed)
    street.package("Closed", "p")
    street.file("Closed/p/f", "x")
    assert bert.get("/source/Closed/_meta").status_code == 200
    assert bert.get("/source/Closed/p/_meta").status_code == 200
    for url in ("/source/Closed/p", "/source/Closed/p/f", "/source/Closed/p/_history"):
        assert anna.get(url).status_code == 200
        assert status_of(bert.get(url))[:2] == (403, "source_access_no_permission")
    info = bert.xml("/source/Closed?view=info")
    assert info[0].find("error") is not None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<package name='q' project='Base'/>", "package_name_mismatch"),
        ("<package name='p' project='Other'/>", "project_name_mismatch"),
        ("<package><access><disable/></access></package>", "validation_failed"),
        ("<package><title/><title/></package>", "validation_failed"),
        ("<project name='p'/>", "validation_failed"),
    ],
)
def test_a_bad_package_meta_is_refused(street: Street, admin: Caller, body: str, code: str) -> None:
    street.project("Base")
    assert status_of(admin.put("/source/Base/p/_meta", body))[:2] == (400, code)


def test_a_package_meta_without_names_takes_them_from_the_path(
    street: Street, admin: Caller
) -> None:
    street.project("Base")
    assert admin.put("/source/Base/p/_meta", "<package><title>T</title></package>").status_code
    document = admin.xml("/source/Base/p/_meta")
    assert document.attrib == {"name": "p", "project": "Base"}
    assert [child.tag for child in document] == ["title", "description"]


def test_the_devel_package_is_filled_in(street: Street, admin: Caller) -> None:
    for project in ("Base", "Devel"):
        street.project(project)
    street.package("Devel", "p")
    street.package("Base", "p", "<devel project='Devel'/>")
    assert admin.xml("/source/Base/p/_meta").find("devel").attrib == {
        "project": "Devel",
        "package": "p",
    }
    assert status_of(admin.delete("/source/Devel/p"))[:2] == (400, "delete_error")
    assert status_of(admin.delete("/source/Devel"))[:2] == (400, "delete_error")
    assert admin.delete("/source/Devel/p?force=1").status_code == 200


def test_a_package_needs_its_project(admin: Caller) -> None:
    body = "<package name='p' project='Gone'/>"
    assert status_of(admin.put("/source/Gone/p/_meta", body))[:2] == (404, "unknown_project")


def test_the_meta_of_a_deleted_package_can_be_read(street: Street, admin: Caller) -> None:
    street.project("Base")
    street.package("Base", "p", "<url>kept</url>")
    admin.delete("/source/Base/p")
    assert status_of(admin.get("/source/Base/p/_meta"))[:2] == (404, "unknown_package")
    assert admin.xml("/source/Base/p/_meta?deleted=1").findtext("url") == "kept"


def test_markup_in_titles_survives(street: Street, admin: Caller) -> None:
    text = "a &amp; b &lt;c&gt; \"d\" 'e' \u00e4 \U0001f4e6\n  second line  "
    admin.put(
        "/source/Base/_meta",
        f"<project name='Base'><title>{text}</title><description>{text}</description></project>",
    )
    document = admin.xml("/source/Base/_meta")
    plain = "a & b <c> \"d\" 'e' \u00e4 \U0001f4e6\n  second line  "
    assert document.findtext("title") == plain
    assert document.findtext("description") == plain
