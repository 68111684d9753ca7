import pytest
from hypothesis import given
from hypothesis import strategies as st

from facade.obs import predicate
from storage.errors import InvalidInput
from tests.facade.houses import Caller, Street, fast_directory, status_of

KEYS = ("@name", "@project", "title", "person/@userid", "person/@role", "state/@name")
FACTS = {
    "@name": ["hello"],
    "@project": ["Base"],
    "title": ["Greeting Program"],
    "person": [
        {"@userid": ["anna"], "@role": ["maintainer"]},
        {"@userid": ["bert"], "@role": ["reviewer"]},
    ],
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("@name='hello'", True),
        ("@name = 'bye'", False),
        ('@name="hello"', True),
        ("@name!='hello'", False),
        ("[@name='hello']", True),
        ("([@name='hello'])", True),
        ("contains(title,'greeting')", True),
        ("contains(title, 'x')", False),
        ("starts-with(@name,'he')", True),
        ("ends-with(@name,'lo')", True),
        ("not(@name='hello')", False),
        ("boolean(@name='hello')", True),
        ("title", True),
        ("state/@name", False),
        ("*", True),
        ("@name='x' or @name='hello' and @project='Base'", True),
        ("(@name='x' or @name='hello') and @project='Other'", False),
        ("person/@userid='anna' and person/@role='reviewer'", True),
        ("person[@userid='anna' and @role='reviewer']", False),
        ("person[@userid='bert' and @role='reviewer']", True),
        ("@name>='hella' and @name<'hellp'", True),
    ],
)
def test_predicates_hold_or_do_not(text: str, holds: bool) -> None:
    assert predicate.parse(text, KEYS).holds(FACTS) is holds


@pytest.mark.parametrize(
    "text",
    [
        "@[",
        "",
        "@name=",
        "@name='a",
        "@name=hello",
        "@name='a' and",
        "(@name='a'",
        "@name='a')",
        "frob='a'",
        "contains(@name)",
        "@name='a' | @name='b'",
        "//project",
        "position()=1",
        "@name='a'; drop table projects",
        "(" * 500 + "@name='a'" + ")" * 500,
        "@name='" + "x" * 70_000 + "'",
    ],
)
def test_everything_else_is_illegal(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        predicate.parse(text, KEYS)
    assert refused.value.code == "illegal_xpath_error"


@given(st.text(alphabet="@name()[]'\"=<>!,* andortitle/", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        predicate.parse(text, KEYS).holds(FACTS)
    except InvalidInput as refused:
        assert refused.code == "illegal_xpath_error"


def test_values_that_must_be_are_found() -> None:
    parsed = predicate.parse("@name='a' and (@project='b' or title)", KEYS)
    assert predicate.pinned(parsed, "@name") == "a"
    assert predicate.pinned(parsed, "@project") is None


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory):
    street = Street(fast_directory(tmp_path_factory.mktemp("search")))
    street.person("anna")
    street.project("Base", "<person userid='anna' role='maintainer'/>")
    street.project("Secret", "<access><disable/></access>")
    for project in ("Base", "Secret"):
        street.package(project, "hello")
    street.package("Base", "other")
    yield street
    street.close()


def _hits(caller: Caller, what: str, match: str) -> list[tuple[str | None, str | None]]:
    document = caller.xml(f"/search/{what}?match={match}")
    assert document.get("matches") == str(len(document))
    return [(hit.get("project"), hit.get("name")) for hit in document]


def test_packages_are_found_by_name_without_hidden_ones(street: Street) -> None:
    anna = Caller(street.app, "anna")
    assert _hits(anna, "package/id", "@name='hello'") == [("Base", "hello")]
    assert _hits(street.admin, "package/id", "@name='hello'") == [
        ("Base", "hello"),
        ("Secret", "hello"),
    ]
    assert _hits(anna, "package/id", "contains(@name,'HELL')") == [("Base", "hello")]
    assert _hits(anna, "package/id", "@project='Secret'") == []


def test_the_full_form_holds_the_metas(street: Street) -> None:
    document = street.admin.xml("/search/package?match=@name='other'")
    assert [child.tag for child in document[0]] == ["title", "description"]
    document = street.admin.xml("/search/project?match=person/@userid='anna'")
    assert [project.get("name") for project in document] == ["Base"]
    assert document[0].find("person").get("role") == "maintainer"


def test_hits_are_cut_but_counted(street: Street) -> None:
    document = street.admin.xml("/search/package/id?match=@project='Base'&limit=1&offset=1")
    assert (document.get("matches"), [p.get("name") for p in document]) == ("2", ["other"])


def test_the_full_form_needs_a_predicate(street: Street) -> None:
    assert status_of(street.admin.get("/search/project"))[:2] == (400, "empty_match")
    assert status_of(street.admin.get("/search/project?match=@["))[:2] == (
        400,
        "illegal_xpath_error",
    )
    assert len(street.admin.xml("/search/project/id")) == 2


def test_the_questions_osc_asks(street: Street) -> None:
    anna = Caller(street.app, "anna")
    for what, match in (
        ("project", "person/@userid = 'anna' and person/@role = 'maintainer' and not(@name = 'x')"),
        ("package", "([kind='patchinfo' and issue[@state='OPEN' and owner/@login='anna']])"),
        ("project/id", "contains(@name, 'hello')"),
        (
            "project/id",
            "maintenance/maintains/@project = 'P' and attribute/@name = 'OBS:MaintenanceProject'",
        ),
        ("person", "@login='anna' or @login='b'"),
        (
            "request",
            "(state/@name='new' or state/@name='review') and action[source/@project='A']",
        ),
    ):
        response = anna.get(f"/search/{what}", query_string={"match": match})
        assert response.status_code == 200, response.text


def test_the_collection_of_requests_needs_a_filter(street: Street) -> None:
    query = "view=collection&project=P&package=K&states=new,review"
    assert street.admin.xml(f"/request?{query}").get("matches") == "0"
    assert status_of(street.admin.get("/request?view=collection"))[:2] == (404, "require_filter")
    assert status_of(street.admin.get("/request/7"))[:2] == (404, "not_found")
    assert len(street.admin.xml("/request")) == 0
