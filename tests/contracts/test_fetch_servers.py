"""Whatever serves fetches: a git client can only tell by the protocol version."""

import io

import pytest
from werkzeug.wrappers import Request, Response

from storage.git.child import find_git
from storage.git.pktline import FLUSH, packet
from storage.git.wire import checked_protocol, fetch, public_refs
from storage.git.wire_dulwich import DulwichFetchServer
from storage.git.wire_native import NativeFetchServer
from tests.gitclient import Git, init, served
from tests.support import need

BIG = bytes(range(256)) * 12_000


@pytest.fixture(params=["native", "dulwich"])
def server(request):
    if request.param == "dulwich":
        return DulwichFetchServer()
    need.program("git")
    return NativeFetchServer(find_git())


@pytest.fixture
def origin(tmp_path):
    """A bare repository with a history, a tag, a branch and hidden refs."""
    need.program("git")
    work = init(tmp_path / "work")
    for number in range(1, 8):
        work.commit(f"change {number}", hello__spec=f"Version: {number}\n" * 50)
    work.commit("big", data__bin=BIG)
    work("tag", "-a", "-m", "the tag", "v1")
    work("branch", "side", "HEAD~3")
    hidden = work("commit-tree", "-m", "hidden", "HEAD^{tree}")
    work("update-ref", "refs/meta/config", hidden)
    work("update-ref", "refs/packhouse/upload", hidden)
    bare = tmp_path / "origin.git"
    work("clone", "--quiet", "--mirror", work.directory, bare)
    return Git(bare)


@pytest.fixture
def url(server, origin):
    with served(_application(server, origin.directory)) as base:
        yield base + "/p.git"


def _application(server, repository):
    @Request.application
    def application(request):
        protocol = checked_protocol(request.headers.get("Git-Protocol"))
        if request.path.endswith("/info/refs"):
            body = server.advertise(repository, protocol)
            kind = "advertisement"
        else:
            stream = request.stream
            if request.headers.get("Content-Encoding") == "gzip":
                import gzip

                stream = io.BytesIO(gzip.decompress(stream.read()))
            body = fetch(server, repository, stream, protocol)
            kind = "result"
        return Response(body, content_type=f"application/x-git-upload-pack-{kind}")

    return application


def test_a_clone_has_every_commit_and_file(url, origin, tmp_path):
    Git(tmp_path)("clone", "--quiet", url, "copy")
    copy = Git(tmp_path / "copy")
    assert copy("rev-parse", "HEAD") == origin("rev-parse", "main")
    assert (tmp_path / "copy" / "data.bin").read_bytes() == BIG
    assert copy("rev-list", "--count", "--all") == "8"
    copy("fsck", "--strict")


def test_a_clone_checks_out_main_and_knows_tags_and_branches(url, tmp_path):
    Git(tmp_path)("clone", "--quiet", url, "copy")
    copy = Git(tmp_path / "copy")
    assert copy("symbolic-ref", "HEAD") == "refs/heads/main"
    assert copy("tag") == "v1"
    assert copy("rev-parse", "origin/side") == copy("rev-parse", "origin/main~3")


def test_hidden_refs_are_not_advertised(url, tmp_path):
    listed = Git(tmp_path)("ls-remote", url)
    assert "refs/heads/main" in listed
    assert "refs/tags/v1^{}" in listed
    assert "refs/meta" not in listed
    assert "refs/packhouse" not in listed


def test_an_object_of_a_hidden_ref_cannot_be_fetched_by_its_id(url, origin, tmp_path):
    hidden = origin("rev-parse", "refs/meta/config")
    client = init(tmp_path / "client")
    assert "not our ref" in client.fails("fetch", "--quiet", url, hidden)


def test_a_fetch_brings_only_what_is_new(url, origin, tmp_path):
    Git(tmp_path)("clone", "--quiet", url, "copy")
    copy = Git(tmp_path / "copy")
    work = Git(tmp_path / "work")
    tip = work.commit("later", new__txt="new\n")
    work("push", "--quiet", origin.directory, "main")
    trace = copy.run("fetch", url, "main", GIT_TRACE_PACKET="1").stderr
    assert copy("rev-parse", "FETCH_HEAD") == tip
    assert "ready" in trace or "common" in trace or "ACK" in trace


def test_a_fetch_with_nothing_new_is_quick_and_quiet(url, tmp_path):
    Git(tmp_path)("clone", "--quiet", url, "copy")
    done = Git(tmp_path / "copy").run("fetch")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_shallow_clone_can_be_deepened_and_completed(url, tmp_path):
    Git(tmp_path)("clone", "--quiet", "--depth=2", url, "copy")
    copy = Git(tmp_path / "copy")
    assert copy("rev-list", "--count", "HEAD") == "2"
    copy("fetch", "--quiet", "--depth=4")
    assert copy("rev-list", "--count", "HEAD") == "4"
    copy("fetch", "--quiet", "--unshallow")
    assert copy("rev-list", "--count", "HEAD") == "8"
    copy("fsck")


def test_a_partial_clone_fetches_files_when_they_are_needed(url, origin, tmp_path):
    Git(tmp_path)("clone", "--quiet", "--no-checkout", "--filter=blob:none", url, "copy")
    copy = Git(tmp_path / "copy")
    missing = copy("rev-list", "--objects", "--missing=print", "--all").count("?")
    assert missing == 8
    copy("checkout", "--quiet", "main~5")
    assert (tmp_path / "copy" / "hello.spec").read_text().startswith("Version: 3\n")


def test_a_partial_clone_by_size_leaves_the_big_file_out(url, tmp_path):
    Git(tmp_path)("clone", "--quiet", "--no-checkout", "--filter=blob:limit=100k", url, "copy")
    copy = Git(tmp_path / "copy")
    assert copy("rev-list", "--objects", "--missing=print", "--all").count("?") == 1


def test_a_shallow_partial_clone_works(url, tmp_path):
    Git(tmp_path)("clone", "--quiet", "--depth=1", "--filter=blob:none", url, "copy")
    assert (tmp_path / "copy" / "data.bin").read_bytes() == BIG


def test_an_empty_repository_can_be_cloned(server, tmp_path):
    need.program("git")
    init(tmp_path / "empty.git", "--bare")
    with served(_application(server, tmp_path / "empty.git")) as base:
        done = Git(tmp_path).run("clone", base + "/empty.git", "copy")
    assert done.returncode == 0
    assert "empty repository" in done.stderr


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_every_protocol_version_of_the_client_is_served(url, tmp_path, version):
    Git(tmp_path)("-c", f"protocol.version={version}", "clone", "--quiet", url, "copy")
    assert (tmp_path / "copy" / "data.bin").stat().st_size == len(BIG)


def test_closing_the_answer_early_ends_the_work(server, origin, tmp_path):
    tip = origin("rev-parse", "main")
    capabilities = "multi_ack_detailed side-band-64k thin-pack ofs-delta"
    body = packet(f"want {tip} {capabilities}\n".encode()) + FLUSH + packet(b"done\n")
    answer = fetch(server, origin.directory, io.BytesIO(body), "")
    assert next(answer)
    answer.close()
    assert _children() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"0000",
        b"zzzz",
        b"0003",
        b"fff1",
        b"0032want 12",
        packet(b"want nonsense\n"),
        packet(b"have me\n"),
    ],
)
def test_nonsense_does_no_harm(server, origin, body):
    try:
        b"".join(fetch(server, origin.directory, io.BytesIO(body), ""))
    except Exception as error:
        assert type(error).__module__ == "storage.errors"
    assert _children() == []


def test_a_want_that_no_public_ref_leads_to_is_refused(server, origin):
    hidden = origin("rev-parse", "refs/packhouse/upload")
    body = packet(b"command=fetch") + b"0001" + packet(f"want {hidden}\n".encode()) + FLUSH
    answer = b"".join(fetch(server, origin.directory, io.BytesIO(body), "version=2"))
    assert answer[4:] == f"ERR upload-pack: not our ref {hidden}\n".encode()


def test_public_refs_are_branches_and_tags(origin):
    assert list(public_refs(origin.directory)) == [
        "refs/heads/main",
        "refs/heads/side",
        "refs/tags/v1",
    ]


def _children():
    import psutil

    me = psutil.Process()
    return [child for child in me.children() if "git" in child.name()]
