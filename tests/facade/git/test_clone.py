"""Fetching through the door."""

import gzip

import requests

from storage.git.pktline import FLUSH, packet
from storage.model import Author, FlagRule
from tests.facade.git.conftest import PASSWORD, open_door
from tests.gitclient import Git


def test_a_clone_shows_what_was_committed_over_http(door, clone):
    door.house.put("hello.spec", b"Name: hello\n")
    door.house.put("hello.txt", b"text\n")
    copy = clone(door.url())
    assert (copy.directory / "hello.spec").read_text() == "Name: hello\n"
    assert copy("log", "--format=%s") == "by http\nby http"


def test_the_path_works_without_the_suffix_too(native_door, clone):
    native_door.house.put("hello.spec", b"Name: hello\n")
    copy = clone(native_door.url().removesuffix(".git"))
    assert (copy.directory / "hello.spec").exists()


def test_an_empty_package_can_be_cloned_and_gets_branch_main(native_door, clone):
    copy = clone(native_door.url("anna"))
    assert copy("symbolic-ref", "HEAD") == "refs/heads/main"


def test_native_git_speaks_protocol_version_2(native_door, tmp_path):
    native_door.house.put("hello.spec", b"Name: hello\n")
    done = Git(tmp_path).run("ls-remote", native_door.url(), GIT_TRACE_PACKET="1")
    assert "git< version 2" in done.stderr
    assert "command=ls-refs" in done.stderr


def test_metas_and_internal_refs_are_not_shown(door, tmp_path):
    door.house.put("hello.spec", b"Name: hello\n")
    assert "refs/meta/config" in door.house.store().repository.refs.all()
    lines = Git(tmp_path)("ls-remote", door.url()).splitlines()
    assert [line.split("\t")[1] for line in lines] == ["HEAD", "refs/heads/main"]


def test_the_project_container_holds_the_configuration(native_door, clone):
    with native_door.house.storage.stage([b"Type: spec\n"]) as staged:
        store = native_door.house.store("_project")
        store.put_file("_config", staged, Author("anna"), "configure")
    copy = clone(native_door.url(package="_project"))
    assert (copy.directory / "_config").read_text() == "Type: spec\n"


def test_a_missing_package_asks_strangers_for_a_password_and_tells_members(native_door, tmp_path):
    git = Git(tmp_path)
    assert "could not read Username" in git.fails("ls-remote", native_door.url(package="nope"))
    assert "not found" in git.fails("ls-remote", native_door.url("anna", package="nope"))


def test_a_wrong_password_is_refused(native_door, tmp_path):
    house = native_door.house
    house.package(house.home, "closed", flags=[FlagRule("sourceaccess", False)])
    url = native_door.url("anna", package="closed", password="wrong")
    complaint = Git(tmp_path).fails("ls-remote", url)
    assert "Authentication failed" in complaint


def test_a_hidden_project_looks_like_a_missing_one(native_door):
    house = native_door.house
    hidden = house.home + ":hidden"
    house.project(hidden, flags=[FlagRule("access", False)])
    house.package(hidden, "hello")
    answers = []
    for project in (hidden, "missing"):
        url = native_door.url(project=project) + "/info/refs?service=git-upload-pack"
        anonymous = requests.get(url, timeout=10)
        bert = requests.get(url, auth=("bert", PASSWORD), timeout=10)
        text = [answer.text.replace(project, "*") for answer in (anonymous, bert)]
        answers.append((anonymous.status_code, bert.status_code, text))
    assert answers[0] == answers[1]
    assert answers[0][:2] == (401, 404)
    anna = requests.get(
        native_door.url(project=hidden) + "/info/refs?service=git-upload-pack",
        auth=("anna", PASSWORD),
        timeout=10,
    )
    assert anna.status_code == 200


def test_closed_sources_open_for_readers_only(native_door, tmp_path):
    house = native_door.house
    house.package(house.home, "closed", flags=[FlagRule("sourceaccess", False)])
    git = Git(tmp_path)
    assert "403" in git.fails("ls-remote", native_door.url("bert", package="closed"))
    assert git.run("ls-remote", native_door.url("carl", package="closed")).returncode == 0


def test_a_house_without_anonymous_reading_asks_for_a_password(tmp_path):
    with open_door(tmp_path / "data", anonymous_read=False) as door:
        url = door.url() + "/info/refs?service=git-upload-pack"
        answer = requests.get(url, timeout=10)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith('Basic realm="')
        assert requests.get(url, auth=("bert", PASSWORD), timeout=10).status_code == 200


def test_the_dumb_protocol_is_refused(native_door):
    native_door.house.put("hello.spec", b"Name: hello\n")
    for path in ("info/refs", "HEAD", "objects/info/packs", "config", "info/refs?service=x"):
        answer = requests.get(f"{native_door.url()}/{path}", timeout=10)
        assert answer.status_code in (403, 404)
        assert b"refs/heads" not in answer.content


def test_answers_are_not_cached_and_have_git_types(native_door):
    answer = requests.get(native_door.url() + "/info/refs?service=git-upload-pack", timeout=10)
    assert answer.headers["Content-Type"] == "application/x-git-upload-pack-advertisement"
    assert "no-cache" in answer.headers["Cache-Control"]


def test_a_body_of_another_type_is_refused(native_door):
    answer = requests.post(native_door.url() + "/git-upload-pack", data=b"0000", timeout=10)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/plain")


def post_gzip(door, data, encoding="gzip"):
    kind = "application/x-git-upload-pack-request"
    headers = {"Content-Type": kind, "Content-Encoding": encoding}
    return requests.post(door.url() + "/git-upload-pack", data=data, headers=headers, timeout=20)


def fetch_request(door):
    tip = door.house.put("hello.spec", b"Name: hello\n").revision.commit
    wants = packet(f"want {tip} side-band-64k thin-pack ofs-delta\n".encode())
    haves = b"".join(packet(b"have %040x\n" % number) for number in range(5000))
    return wants + FLUSH + haves + packet(b"done\n")


def test_compressed_requests_are_understood(native_door):
    """Git compresses what it has when that is long."""
    answer = post_gzip(native_door, gzip.compress(fetch_request(native_door)))
    assert answer.status_code == 200
    assert b"PACK" in answer.content


def test_compressed_requests_that_are_broken_are_refused(native_door):
    whole = gzip.compress(fetch_request(native_door))
    for data, encoding in ((whole[:-20], "gzip"), (b"no gzip", "gzip"), (whole, "br")):
        assert post_gzip(native_door, data, encoding).status_code == 400


def test_a_gzip_bomb_is_refused(native_door):
    assert post_gzip(native_door, gzip.compress(b"0" * (64 << 20))).status_code == 413
