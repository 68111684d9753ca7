from collections.abc import Iterator

import pytest

from tests.facade.houses import Caller, Street, fast_directory, status_of

P = "/source/Base/p"
GOOD = {
    "_link": "<link project='Base' package='q'/>",
    "_link ": f"<link package='q' baserev='{'0' * 32}'><patches><branch/></patches></link>",
    "_link  ": "<!-- made by osc --><link project='Base' package='q' cicount='copy'>"
    "<patches><delete name='a'/><add name='b' popt='1'/><topadd>x</topadd></patches></link>",
    "_aggregate": "<aggregatelist><aggregate project='Base'><package>a</package><nosources/>"
    "<repository target='a' source='b'/></aggregate></aggregatelist>",
    "_service": "<services><service name='s' mode='buildtime'><param name='a'>b</param></service>"
    "</services>",
    "_multibuild": "<multibuild><flavor>min</flavor></multibuild>",
    "_constraints": "<constraints><hardware/></constraints>",
    "_patchinfo": "<patchinfo><summary>x</summary></patchinfo>",
}
BAD = [
    ("_link", "<link/>"),
    ("_link", "<link project="),
    ("_link", "<link project='Base' colour='red'/>"),
    ("_link", "<link project='Base' cicount='often'/>"),
    ("_link", "<link project='Base'><patches><branch/></patches></link>"),
    (
        "_link",
        "<link project='Base' baserev='0'><patches><branch/><delete name='x'/></patches></link>",
    ),
    ("_aggregate", "<aggregatelist><aggregate/></aggregatelist>"),
    ("_aggregate", "<aggregate project='Base'/>"),
    ("_service", "<services><service/></services>"),
    ("_service", "<services><service name='x' mode='never'/></services>"),
    ("_service", "not XML"),
    ("_multibuild", "<multibuild><flavor>a:b</flavor></multibuild>"),
    ("_multibuild", "<multibuild><flavor>a</flavor><package>b</package></multibuild>"),
    ("_constraints", "<other/>"),
    ("_patchinfo", ""),
]


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    street = Street(fast_directory(tmp_path_factory.mktemp("special")))
    street.project("Base")
    for name in ("p", "good", "linked"):
        street.package("Base", name)
    yield street
    street.close()


@pytest.fixture(scope="module")
def admin(street: Street) -> Caller:
    return street.admin


@pytest.mark.parametrize(("name", "body"), GOOD.items())
def test_good_documents_are_kept_as_they_are(admin: Caller, name: str, body: str) -> None:
    name = name.strip()
    url = f"/source/Base/good/{name}"
    assert admin.put(url, body).status_code == 200
    assert admin.get(url).text == body


@pytest.mark.parametrize(("name", "body"), BAD)
def test_bad_documents_are_refused_in_every_way_of_writing(
    admin: Caller, name: str, body: str
) -> None:
    for rev in ("", "?rev=upload", "?rev=repository"):
        answer = status_of(admin.put(f"{P}/{name}{rev}", body))
        assert answer[:2] == (400, "validation_failed")
    assert admin.xml(P).find("entry") is None


def test_a_package_with_a_link_is_still_answered(admin: Caller) -> None:
    url = "/source/Base/linked"
    admin.put(f"{url}/_link", "<link project='Gone' package='q'/>")
    for path in ("", "?expand=1", "?view=info", "/_link", "/_history"):
        assert admin.get(url + path).status_code < 500
