import pytest

from tests.facade.houses import PASSWORD, Caller, Street, status_of


def _person(login: str, inside: str = "") -> str:
    return f"<person><login>{login}</login>{inside}</person>"


def _newcomer(login: str, password: str = "secret") -> str:
    return (
        f"<unregisteredperson><login>{login}</login><realname>N</realname>"
        f"<email>n@example.org</email><password>{password}</password></unregisteredperson>"
    )


def test_a_person_is_shown(anna: Caller, bert: Caller) -> None:
    own = anna.xml("/person/anna")
    assert [child.tag for child in own] == ["login", "email", "realname", "state", "watchlist"]
    assert own.findtext("email") == "anna@example.org"
    assert bert.xml("/person/anna").find("watchlist") is None
    assert status_of(bert.get("/person/nobody"))[:2] == (404, "not_found")
    assert [e.get("name") for e in bert.xml("/person?prefix=an")] == ["anna"]


def test_one_changes_the_own_record_only(anna: Caller, bert: Caller, admin: Caller) -> None:
    inside = "<email>new@example.org</email><realname>New</realname>"
    assert anna.put("/person/anna", _person("anna", inside)).status_code == 200
    assert anna.xml("/person/anna").findtext("realname") == "New"
    refused = bert.put("/person/anna", _person("anna", inside))
    assert status_of(refused)[:2] == (403, "change_userinfo_no_permission")
    assert admin.put("/person/anna", _person("anna", "<realname>X</realname>")).status_code == 200
    assert anna.xml("/person/anna").findtext("realname") == "X"


def test_nobody_makes_oneself_administrator(anna: Caller, admin: Caller) -> None:
    inside = "<state>locked</state><globalrole>Admin</globalrole>"
    assert anna.put("/person/anna", _person("anna", inside)).status_code == 200
    document = anna.xml("/person/anna")
    assert document.findtext("state") == "confirmed"
    assert document.find("globalrole") is None
    assert status_of(anna.get("/source?deleted=1"))[0] == 403


def test_an_administrator_makes_others_administrators(anna: Caller, admin: Caller) -> None:
    admin.put("/person/anna", _person("anna", "<globalrole>Admin</globalrole>"))
    assert anna.get("/source?deleted=1").status_code == 200
    admin.put("/person/anna", _person("anna", "<state>locked</state>"))
    assert status_of(anna.get("/source"))[:2] == (403, "inactive_user")


def test_an_administrator_creates_a_locked_account(admin: Caller, anna: Caller) -> None:
    assert status_of(anna.put("/person/new", _person("new")))[0] == 403
    assert admin.put("/person/new", _person("new")).status_code == 200
    assert admin.xml("/person/new").findtext("state") == "locked"


@pytest.mark.parametrize("text", ["a&#10;b", "x &lt;y&gt;", "n" * 400])
def test_names_that_break_a_commit_are_refused(anna: Caller, text: str) -> None:
    inside = f"<realname>{text}</realname>"
    assert status_of(anna.put("/person/anna", _person("anna", inside)))[0] == 400


def test_a_stranger_registers_and_gets_a_home(street: Street) -> None:
    assert street.anonymous().post("/person?cmd=register", _newcomer("carl")).status_code == 200
    carl = Caller(street.app, "carl", "secret")
    assert [e.get("name") for e in carl.xml("/source")] == ["home:carl"]
    street.package("home:carl", "p", by=carl)
    again = street.anonymous().post("/person/register", _newcomer("carl"))
    assert status_of(again)[:2] == (400, "err_register_save")


@pytest.mark.parametrize("login", ["a b", "a:b", "a/b", "_a", ".", "", "a" * 300, "@a"])
def test_bad_logins_are_refused(street: Street, login: str) -> None:
    response = street.anonymous().post("/person?cmd=register", _newcomer(login))
    assert status_of(response)[0] == 400


def test_registration_can_be_closed(tmp_path) -> None:
    closed = Street(tmp_path / "closed", registration="deny")
    answer = closed.anonymous().post("/person?cmd=register", _newcomer("carl"))
    assert status_of(answer)[:2] == (403, "permission_denied")
    assert closed.admin.post("/person?cmd=register", _newcomer("carl")).status_code == 200
    closed.close()


def test_a_changed_password_counts_at_once(street: Street, anna: Caller) -> None:
    assert anna.get("/source").status_code == 200
    url = "/person/anna?cmd=change_password"
    assert anna.post(url, "new secret\nsecond line").status_code == 200
    assert anna.get("/source").status_code == 401
    assert Caller(street.app, "anna", "new secret").get("/source").status_code == 200


def test_only_oneself_and_administrators_change_a_password(
    anna: Caller, bert: Caller, admin: Caller
) -> None:
    url = "/person/anna?cmd=change_password"
    assert status_of(bert.post(url, "x"))[0] == 403
    assert status_of(anna.post(url, ""))[:2] == (404, "password_empty")
    assert admin.post(url, PASSWORD).status_code == 200
    assert anna.get("/source").status_code == 200


def test_accounts_are_locked_and_deleted_by_administrators(anna: Caller, admin: Caller) -> None:
    assert status_of(anna.post("/person/anna?cmd=lock"))[0] == 403
    admin.post("/person/anna?cmd=lock")
    assert status_of(anna.get("/source"))[:2] == (403, "inactive_user")
    admin.post("/person/anna?cmd=delete")
    assert anna.get("/source").status_code == 401
    assert status_of(admin.post("/person/anna?cmd=frob"))[0] == 404


def test_the_watch_list_belongs_to_its_owner(street: Street, anna: Caller, bert: Caller) -> None:
    street.project("Base")
    body = "<watchlist><project name='Base'/><package project='Base' name='p'/></watchlist>"
    assert anna.put("/person/anna/watchlist", body).status_code == 200
    assert [c.tag for c in anna.xml("/person/anna").find("watchlist")] == ["project", "package"]
    assert [c.tag for c in anna.xml("/person/anna/watchlist")] == ["project", "package"]
    assert status_of(bert.get("/person/anna/watchlist"))[0] == 403


def test_groups_are_made_by_administrators_and_led_by_maintainers(
    street: Street, anna: Caller, bert: Caller, admin: Caller
) -> None:
    body = (
        "<group><title>qa</title><email>qa@example.org</email><maintainer userid='anna'/>"
        "<person><person userid='anna'/></person></group>"
    )
    assert status_of(anna.put("/group/qa", body))[0] == 403
    assert admin.put("/group/qa", body).status_code == 200
    assert status_of(admin.put("/group/other", body))[:2] == (400, "invalid_parameter")
    assert status_of(bert.post("/group/qa?cmd=add_user&userid=bert"))[0] == 403
    assert anna.post("/group/qa?cmd=add_user&userid=bert").status_code == 200
    assert status_of(anna.post("/group/qa?cmd=add_user&userid=nobody"))[0] == 404
    shown = bert.xml("/group/qa")
    assert [p.get("userid") for p in shown.find("person")] == ["anna", "bert"]
    listed = bert.xml("/group?login=bert")
    assert (listed.get("count"), [e.get("name") for e in listed]) == ("1", ["qa"])
    assert [e.get("name") for e in bert.xml("/person/bert/group")] == ["qa"]
    assert anna.post("/group/qa?cmd=remove_user&userid=bert").status_code == 200
    assert anna.post("/group/qa?cmd=set_email").status_code == 200
    assert bert.xml("/group/qa").find("email") is None
    assert status_of(anna.delete("/group/qa"))[0] == 403
    assert admin.delete("/group/qa").status_code == 200
    assert status_of(bert.get("/group/qa"))[:2] == (404, "not_found")


def test_members_of_a_group_have_its_roles(street: Street, anna: Caller, bert: Caller) -> None:
    street.admin.put(
        "/group/qa", "<group><title>qa</title><person><person userid='anna'/></person></group>"
    )
    street.project("Base", "<group groupid='qa' role='maintainer'/>")
    street.package("Base", "p")
    assert anna.put("/source/Base/p/f", "x").status_code == 200
    assert bert.put("/source/Base/p/f", "x").status_code == 403
    body = "<project name='group:qa:tools'><title/><description/></project>"
    assert anna.put("/source/group:qa:tools/_meta", body).status_code == 200
    assert status_of(bert.put("/source/group:qa:more/_meta", body.replace("tools", "more")))[
        :2
    ] == (
        403,
        "create_project_no_permission",
    )


def test_trigger_tokens_are_made_listed_and_revoked(
    street: Street, anna: Caller, bert: Caller
) -> None:
    street.project("home:anna", by=anna)
    street.package("home:anna", "p", by=anna)
    url = "/person/anna/token"
    query = "cmd=create&operation=rebuild&project=home:anna&package=p&description=d"
    from lxml import etree

    made = etree.fromstring(anna.post(f"{url}?{query}").data)
    data = {d.get("name"): d.text for d in made.findall("data")}
    assert set(data) == {"token", "id"}
    entry = anna.xml(url)[0]
    assert (entry.get("kind"), entry.get("package"), entry.get("description")) == (
        "rebuild",
        "p",
        "d",
    )
    assert data["token"] not in anna.get(url).text
    assert Caller(street.app, "anna", data["token"]).get("/source").status_code == 401
    assert status_of(bert.get(url))[0] == 403
    assert status_of(anna.post(f"{url}?cmd=create&operation=frob"))[0] == 400
    assert anna.delete(f"{url}/{data['id']}").status_code == 200
    assert status_of(anna.delete(f"{url}/{data['id']}"))[0] == 404
