"""A change through one door is the same change through the others."""

import shutil
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.fixture
def home(anna) -> str:
    """Anna's home project with an empty package ``hello``, checked out by osc."""
    project = f"home:{anna.login}"
    anna.osc("checkout", project)
    anna.osc("mkpac", "hello", at=project)
    return project


def commit_by_osc(anna, home: str, message: str) -> None:
    package = anna.desk / home / "hello"
    shutil.copytree(SAMPLES / "hello-c", package, dirs_exist_ok=True)
    anna.osc("add", "hello-c.spec", "hello-c-1.0.tar.gz", at=f"{home}/hello")
    anna.osc("commit", "-m", message, at=f"{home}/hello")


def test_a_commit_by_osc_is_read_by_git(anna, home):
    commit_by_osc(anna, home, "First words")
    anna.git("clone", "-q", anna.git_url(home, "hello"), "clone")
    assert sorted(p.name for p in (anna.desk / "clone").iterdir() if p.name != ".git") == [
        "hello-c-1.0.tar.gz",
        "hello-c.spec",
    ]
    author, email, subject = anna.git("log", "-1", "--format=%an%n%ae%n%s", at="clone").splitlines()
    assert (author, subject) == (anna.login, "First words")
    assert email


def test_a_push_is_read_by_osc_with_the_same_author_message_and_revision(anna, home):
    commit_by_osc(anna, home, "First words")
    anna.git("clone", "-q", anna.git_url(home, "hello"), "clone")
    (anna.desk / "clone" / "README").write_text("from git\n")
    anna.git("add", "README", at="clone")
    anna.git("commit", "-qm", "Say more", at="clone")
    answer = anna.git("push", "origin", "main", at="clone")
    assert "remote: packhouse: revision 2" in answer
    assert "At revision 2" in anna.osc("update", at=f"{home}/hello")
    assert (anna.desk / home / "hello" / "README").read_text() == "from git\n"
    log = anna.osc("log", at=f"{home}/hello")
    assert f"r2 | {anna.login} |" in log
    assert "Say more" in log


def test_a_push_and_an_osc_commit_alternate_without_loss(anna, home):
    commit_by_osc(anna, home, "one")
    anna.git("clone", "-q", anna.git_url(home, "hello"), "clone")
    (anna.desk / "clone" / "two").write_text("2\n")
    anna.git("add", "two", at="clone")
    anna.git("commit", "-qm", "two", at="clone")
    anna.git("push", "-q", "origin", "main", at="clone")
    anna.osc("update", at=f"{home}/hello")
    (anna.desk / home / "hello" / "three").write_text("3\n")
    anna.osc("add", "three", at=f"{home}/hello")
    anna.osc("commit", "-m", "three", at=f"{home}/hello")
    anna.git("pull", "-q", "--ff-only", "origin", "main", at="clone")
    assert anna.git("log", "--format=%s", at="clone").split() == ["three", "two", "one"]


def test_a_push_on_an_old_tip_is_told_to_fetch_first(anna, home):
    commit_by_osc(anna, home, "one")
    anna.git("clone", "-q", anna.git_url(home, "hello"), "clone")
    (anna.desk / home / "hello" / "more").write_text("x\n")
    anna.osc("add", "more", at=f"{home}/hello")
    anna.osc("commit", "-m", "two", at=f"{home}/hello")
    (anna.desk / "clone" / "other").write_text("y\n")
    anna.git("add", "other", at="clone")
    anna.git("commit", "-qm", "late", at="clone")
    refused = anna.try_git("push", "origin", "main", at="clone")
    assert refused.returncode == 1
    assert "fetch first" in refused.stderr


def test_a_large_file_put_by_osc_arrives_by_git_lfs(anna, home):
    content = bytes(range(256)) * 8192  # 2 MiB, not text
    package = anna.desk / home / "hello"
    (package / "data.bin").write_bytes(content)
    anna.osc("add", "data.bin", at=f"{home}/hello")
    anna.osc("commit", "-m", "large", at=f"{home}/hello")
    anna.git("lfs", "install", "--skip-repo")
    anna.git("clone", "-q", anna.git_url(home, "hello"), "clone")
    assert (anna.desk / "clone" / "data.bin").read_bytes() == content


def test_a_large_file_pushed_by_git_lfs_arrives_by_osc(anna, home):
    commit_by_osc(anna, home, "one")
    anna.git("lfs", "install", "--skip-repo")
    anna.git("clone", "-q", anna.git_url(home, "hello"), "clone")
    content = bytes(reversed(range(256))) * 8192
    (anna.desk / "clone" / "data.bin").write_bytes(content)
    anna.git("lfs", "track", "data.bin", at="clone")
    anna.git("add", ".gitattributes", "data.bin", at="clone")
    anna.git("commit", "-qm", "large by git", at="clone")
    anna.git("push", "-q", "origin", "main", at="clone")
    anna.osc("update", at=f"{home}/hello")
    assert (anna.desk / home / "hello" / "data.bin").read_bytes() == content
    assert ".gitattributes" not in anna.osc("ls", home, "hello")
