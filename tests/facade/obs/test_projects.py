from tests.facade.houses import Caller, Street, status_of


def _names(document) -> list[str]:
    return [entry.get("name") for entry in document]


def test_lists_are_sorted_by_byte(street: Street, admin: Caller) -> None:
    for name in ("b", "B", "a:b", "a"):
        street.project(name)
    assert _names(admin.xml("/source")) == ["B", "a", "a:b", "b"]
    assert admin.xml("/source").attrib == {}


def test_the_list_of_packages_has_a_count(street: Street, admin: Caller) -> None:
    street.project("Base")
    for name in ("hello", "gcc"):
        street.package("Base", name)
    document = admin.xml("/source/Base")
    assert (_names(document), document.get("count")) == (["gcc", "hello"], "2")
    assert "count" not in admin.xml("/source/Base?deleted=0").attrib


def test_deleted_packages_are_listed_apart(street: Street, admin: Caller) -> None:
    street.project("Base")
    street.package("Base", "p")
    assert _names(admin.xml("/source/Base?deleted=1")) == []
    admin.delete("/source/Base/p")
    assert _names(admin.xml("/source/Base?deleted=1")) == ["p"]
    assert _names(admin.xml("/source/Base")) == []


def test_linked_projects_add_their_packages(street: Street, admin: Caller) -> None:
    street.project("Lower")
    street.project("Upper", "<link project='Lower'/>")
    street.package("Lower", "a")
    street.package("Lower", "b")
    street.package("Upper", "b")
    found = {e.get("name"): e.get("originproject") for e in admin.xml("/source/Upper?expand=1")}
    assert found == {"a": "Lower", "b": "Upper"}
    assert _names(admin.xml("/source/Upper")) == ["b"]
    linked = admin.post("/source/Lower?cmd=showlinked")
    assert b'<project name="Upper" />' in linked.data


def test_a_deleted_project_comes_back_with_its_packages(street: Street, admin: Caller) -> None:
    street.project("Base")
    street.package("Base", "p")
    street.file("Base/p/f", "one")
    assert admin.delete("/source/Base?comment=bye").status_code == 200
    assert status_of(admin.get("/source/Base"))[:2] == (404, "unknown_project")
    assert _names(admin.xml("/source?deleted=1")) == ["Base"]
    assert _names(admin.xml("/source/Base?deleted=1")) == ["p"]
    assert admin.post("/source/Base?cmd=undelete&comment=back").status_code == 200
    assert admin.get("/source/Base/p/f").data == b"one"
    assert status_of(admin.post("/source/Base?cmd=undelete"))[0] == 404
    assert status_of(admin.post("/source/Never?cmd=undelete"))[0] == 404


def test_the_list_of_deleted_projects_is_for_administrators(anna: Caller) -> None:
    assert status_of(anna.get("/source?deleted=1"))[:2] == (403, "no_permission_for_deleted")


def test_a_project_that_is_used_needs_force(street: Street, admin: Caller) -> None:
    street.project("Base", "<repository name='standard'/>")
    street.project(
        "Top", "<repository name='a'><path project='Base' repository='standard'/></repository>"
    )
    assert status_of(admin.delete("/source/Base"))[:2] == (400, "repo_dependency")
    assert admin.delete("/source/Base?force=1").status_code == 200
    path = admin.xml("/source/Top/_meta").find("repository/path")
    assert path.attrib == {"project": "deleted", "repository": "standard"}


def test_commands_are_named(street: Street, admin: Caller) -> None:
    street.project("Base")
    street.package("Base", "p")
    for url in ("/source/Base", "/source/Base/p"):
        assert status_of(admin.post(url))[:2] == (400, "missing_parameter")
        assert status_of(admin.post(url + "?cmd=frob"))[:2] == (404, "illegal_request")


def test_form_arguments_stand_in_for_the_query(street: Street, admin: Caller) -> None:
    street.project("Base")
    response = admin.post(
        "/source/Base",
        "cmd=set_flag&flag=build&status=disable",
        content_type="application/x-www-form-urlencoded",
    )
    assert response.status_code == 200
    assert admin.xml("/source/Base/_meta").find("build/disable") is not None


def test_a_document_labelled_as_a_form_is_still_a_document(street: Street, admin: Caller) -> None:
    street.project("Base")
    street.package("Base", "p")
    response = admin.post(
        "/source/Base/p?cmd=commitfilelist",
        "<directory/>",
        content_type="application/x-www-form-urlencoded",
    )
    assert response.status_code == 200
    response = admin.put(
        "/source/Base/p/f", "a=b&c=d", content_type="application/x-www-form-urlencoded"
    )
    assert admin.get("/source/Base/p/f").data == b"a=b&c=d"


def test_both_spellings_of_a_directory_are_served(street: Street, admin: Caller) -> None:
    street.project("Base")
    for url in ("/source/", "/build/", "/source/Base/"):
        assert admin.get(url).status_code == 200


def test_a_new_owner_of_a_name_does_not_get_the_old_key(street: Street, admin: Caller) -> None:
    street.project("Base")
    if admin.post("/source/Base?cmd=createkey").status_code == 404:
        return
    assert admin.get("/source/Base/_pubkey").status_code == 200
    admin.delete("/source/Base")
    street.project("Base")
    assert status_of(admin.get("/source/Base/_pubkey"))[0] == 404


def test_keys_are_made_shown_and_dropped(street: Street, admin: Caller) -> None:
    street.project("Base")
    assert status_of(admin.get("/source/Base/_pubkey"))[0] == 404
    assert status_of(admin.get("/source/Base/_keyinfo"))[0] == 404
    assert admin.delete("/source/Base/_pubkey").status_code == 200
    if admin.post("/source/Base?cmd=createkey").status_code == 404:
        return
    armored = admin.get("/source/Base/_pubkey").text
    assert armored.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    pubkey = admin.xml("/source/Base/_keyinfo").find("pubkey")
    assert pubkey.text.strip() == armored.strip()
    assert int(pubkey.get("expires")) > 0
    assert admin.post("/source/Base?cmd=extendkey").status_code == 200
    assert admin.delete("/source/Base/_pubkey").status_code == 200
    assert status_of(admin.get("/source/Base/_pubkey"))[0] == 404
