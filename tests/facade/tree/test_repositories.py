"""What ``/repositories`` answers, to whom, and what it never shows."""

import re

from storage.model import FlagRule, Grant
from tests.facade.houses import Street

TREE = "/repositories/home:/anna/standard"
RPM = f"{TREE}/noarch/hello-1.0-1.noarch.rpm"


def links(response):
    """Names behind the links of a directory page, without the way up."""
    assert response.content_type == "text/html; charset=utf-8"
    return [href.removeprefix("./") for href in re.findall(r'href="(\./[^"]*)"', response.text)]


def content(yard, path):
    return (yard.published / "home:/anna/standard" / path).read_bytes()


def test_a_file_is_found_under_every_spelling_of_its_address(hello):
    for url in (
        RPM,
        "/repositories/home:anna/standard/noarch/hello-1.0-1.noarch.rpm",
        "/repositories/home:/anna/standard//noarch/hello-1.0-1.noarch.rpm",
        "/repositories//home:/anna//standard/./noarch/hello-1.0-1.noarch.rpm",
        "/repositories/home%3A/anna/standard/noarch/hello%2D1.0-1.noarch.rpm",
    ):
        response = hello.get(url)
        assert response.status_code == 200, url
        assert response.data == content(hello, "noarch/hello-1.0-1.noarch.rpm")
        assert response.content_type == "application/x-rpm"
        assert response.headers["Content-Length"] == str(len(response.data))
        assert response.headers["Accept-Ranges"] == "bytes"


def test_head_tells_the_size_only(hello):
    response = hello.get(RPM, method="HEAD")
    assert response.status_code == 200
    assert int(response.headers["Content-Length"]) == len(
        content(hello, "noarch/hello-1.0-1.noarch.rpm")
    )
    assert response.data == b""


def test_unchanged_files_are_not_sent_again(hello):
    first = hello.get(RPM)
    tagged = hello.get(RPM, headers={"If-None-Match": first.headers["ETag"]})
    dated = hello.get(RPM, headers={"If-Modified-Since": first.headers["Last-Modified"]})
    other = hello.get(RPM, headers={"If-None-Match": '"other"'})
    assert (tagged.status_code, dated.status_code, other.status_code) == (304, 304, 200)
    assert tagged.data == b""


def test_a_new_list_of_the_same_size_and_second_has_another_tag(hello, built):
    top = f"{TREE}/repodata/repomd.xml"
    first = hello.get(top)
    hello.succeed("other", [built["other"]])
    hello.publish()
    second = hello.get(top, headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 200
    assert second.headers["Cache-Control"] == "no-cache"
    assert "max-age" in hello.get(RPM).headers["Cache-Control"]


def test_one_range_is_sent_alone(hello):
    whole = content(hello, "noarch/hello-1.0-1.noarch.rpm")
    for asked, start, end in (
        ("bytes=0-9", 0, 10),
        ("bytes=100-", 100, None),
        ("bytes=-7", -7, None),
        ("bytes=0-999999999", 0, None),
    ):
        response = hello.get(RPM, headers={"Range": asked})
        assert response.status_code == 206
        assert response.data == whole[start:end]
        first = start % len(whole)
        last = first + len(response.data) - 1
        assert response.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"
        assert response.headers["Content-Length"] == str(len(response.data))


def test_several_or_senseless_ranges_get_the_whole_file(hello):
    whole = content(hello, "noarch/hello-1.0-1.noarch.rpm")
    for asked in ("bytes=0-1,5-6", "bytes=5-1", "lines=1-2", "bytes=x-", "nonsense", "bytes=-"):
        response = hello.get(RPM, headers={"Range": asked})
        assert (response.status_code, response.data) in ((200, whole), (416, b"")), asked


def test_a_range_outside_of_the_file_is_told_its_size(hello):
    size = len(content(hello, "noarch/hello-1.0-1.noarch.rpm"))
    response = hello.get(RPM, headers={"Range": f"bytes={size}-"})
    assert response.status_code == 416
    assert response.headers["Content-Range"] == f"bytes */{size}"


def test_a_range_of_another_content_gets_the_whole_file(hello):
    tag = hello.get(RPM).headers["ETag"]
    same = hello.get(RPM, headers={"Range": "bytes=0-9", "If-Range": tag})
    other = hello.get(RPM, headers={"Range": "bytes=0-9", "If-Range": '"x"'})
    assert (same.status_code, other.status_code) == (206, 200)


def test_directories_show_what_is_in_them(hello):
    assert links(hello.get("/repositories/")) == ["home:/"]
    assert links(hello.get("/repositories/home:/")) == ["anna/"]
    assert links(hello.get("/repositories/home:/anna/")) == ["standard/"]
    top = links(hello.get(f"{TREE}/"))
    assert top[:4] == ["all/", "by-hash/", "noarch/", "repodata/"]
    assert {"InRelease", "home:anna.repo", "home:anna.sources", "Release.key"} <= set(top)
    assert links(hello.get(f"{TREE}/noarch/")) == ["hello-1.0-1.noarch.rpm"]


def test_a_directory_without_a_slash_is_sent_to_the_one_with(hello):
    response = hello.get(f"{TREE}/noarch?x=1")
    assert response.status_code == 302
    assert response.headers["Location"].endswith("/home:/anna/standard/noarch/?x=1")


def test_a_redirect_stays_in_the_house(hello):
    response = hello.get("//repositories/home:/anna")
    assert not response.headers.get("Location", "/").startswith("//")


def test_pages_escape_what_names_contain(hello, tmp_path):
    name = 'x"><script>alert(1)<!--1.tar.gz'
    (tmp_path / name.replace("/", "")).write_bytes(b"x")
    hello.succeed("extra", [tmp_path / name.replace("/", "")])
    hello.publish()
    page = hello.get(f"{TREE}/")
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    link = next(href for href in links(page) if "script" in href)
    assert hello.get(f"{TREE}/{link}").data == b"x"


NOWHERE = [
    "/repositories/../packhouse.db",
    "/repositories/%2e%2e/packhouse.db",
    "/repositories/.generations/",
    "/repositories/.packages/",
    f"{TREE}/../../../../packhouse.db",
    f"{TREE}/..%2f..%2f..%2f..%2fpackhouse.db",
    f"{TREE}/noarch/../../../../../keys/",
    f"{TREE}/.hidden",
    f"{TREE}/noarch/%00",
    f"{TREE}/no\udcffarch",
    f"{TREE}/%ff",
    f"{TREE}/" + "x" * 5000,
    f"{TREE}/" + "x/" * 3000,
    f"{TREE}/noarch/hello-1.0-1.noarch.rpm/x",
    f"{TREE}/nothing",
    "/repositories/home:/nobody/standard/",
    "/repositories/home:/anna/nothing/",
    "/repositories/nobody/",
    "/repositories/home::/anna/",
    "/repositories/_x/standard",
    "/repositories/" + "a:/" * 500,
]


def test_nothing_else_is_reachable(hello):
    (hello.published / ".hidden").write_text("x")
    for path in NOWHERE:
        response = hello.get(path.encode("utf-8", "surrogateescape").decode("latin-1"))
        assert response.status_code in (400, 404), path[:100]
        assert b"SQLite" not in response.data


def test_a_link_that_found_its_way_into_a_tree_is_not_followed(hello):
    place = (hello.published / "home:/anna/standard").resolve()
    (place / "leak").symlink_to("/etc/passwd")
    assert hello.get(f"{TREE}/leak").status_code == 404


def test_nothing_can_be_written(hello):
    for method in ("PUT", "POST", "DELETE"):
        response = hello.get(RPM, by=hello.street.admin, method=method)
        assert response.status_code in (404, 405)
    assert content(hello, "noarch/hello-1.0-1.noarch.rpm") != b"x"


def test_hidden_projects_do_not_exist_for_strangers(hello):
    anna, bert = hello.street.person("anna"), hello.street.person("bert")
    hello.project(
        flags=(FlagRule("access", False),), grants=(Grant("person", "anna", "maintainer"),)
    )
    missing = hello.get("/repositories/home:/nobody/standard/x")
    for caller in (None, bert):
        for url in (RPM, f"{TREE}/", "/repositories/home:/anna/", "/repositories/home:/"):
            response = hello.get(url, by=caller)
            assert response.status_code == 404
        assert hello.get(RPM, by=caller).data[:60] == missing.data[:60]
        assert links(hello.get("/repositories/", by=caller)) == []
    assert hello.get(RPM, by=anna).status_code == 200
    assert links(hello.get("/repositories/", by=anna)) == ["home:/"]


def test_closed_binaries_are_refused_but_to_readers(hello):
    anna = hello.street.person("anna")
    hello.project(
        flags=(FlagRule("binarydownload", False),), grants=(Grant("person", "anna", "reader"),)
    )
    refused = hello.get(RPM)
    assert refused.status_code == 403
    assert refused.headers["X-Opensuse-Errorcode"] == "download_binary_no_permission"
    assert hello.get(f"{TREE}/").status_code == 403
    assert hello.get(RPM, by=anna).status_code == 200


def test_a_house_without_open_reading_asks_for_a_login(tmp_path, hello):
    closed = Street(tmp_path / "closed", anonymous_read=False)
    anonymous = closed.anonymous()
    for url in ("/repositories/", RPM, "/results/anna/tools/"):
        response = anonymous.get(url)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Basic")
    assert closed.admin.get("/repositories/").status_code == 200
    closed.close()


def test_what_was_just_replaced_is_still_had_by_its_fixed_name(hello, built):
    lists = links(hello.get(f"{TREE}/repodata/"))
    hello.succeed("hello", [built["hello-2"]])
    hello.publish()
    hello.succeed("hello", [built["hello-2"], built["other"]])
    hello.publish()
    assert hello.get(RPM).status_code == 200
    for name in lists:
        if name.endswith(".xml.gz"):
            assert hello.get(f"{TREE}/repodata/{name}").status_code == 200
    assert "hello-1.0-1.noarch.rpm" not in links(hello.get(f"{TREE}/noarch/"))


def test_a_download_that_runs_ends_with_the_file_it_began_with(hello, built):
    whole = content(hello, "noarch/hello-1.0-1.noarch.rpm")
    response = hello.street.app.test_client().get(RPM, buffered=False)
    chunks = response.iter_encoded()
    first = next(chunks)
    hello.succeed("hello", [built["other"]])
    for _ in range(8):
        hello.publish()
    assert first + b"".join(chunks) == whole
    response.close()


def test_a_withdrawn_package_is_gone_at_once(hello):
    from builder.publish import withdraw

    withdraw(hello.house, "home:anna", "standard")
    assert hello.get(RPM).status_code == 404


def test_a_deleted_project_shows_nothing_before_its_tree_is_removed(hello):
    with hello.house.records.begin() as unit:
        unit.projects.mark_deleted(hello.ids["home:anna"], 1)
    assert hello.get(RPM).status_code == 404
    assert links(hello.get("/repositories/")) == []
