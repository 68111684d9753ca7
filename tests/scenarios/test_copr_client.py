"""copr-cli as its users run it, against a live server: what it prints and how it exits."""

import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from builder.srpm.run import run_source
from facade.copr.config import client_config
from storage.secrets import hash_secret, new_login, new_secret
from tests.builder.srpm import craft
from tests.facade.houses import Street

COPR_CLI = Path(sys.executable).with_name("copr-cli")
CHROOTS = {
    "debian-12-x86_64": {"kind": "host", "comment": "the only one that builds"},
    "epel-9-x86_64": {"kind": "host"},
}
FORBIDDEN, FAILED_BUILD, ERROR = 7, 4, 1


@dataclass
class Person:
    """Somebody with copr-cli and a configuration file."""

    login: str
    desk: Path

    @property
    def config(self) -> Path:
        return self.desk / "copr"

    def run(self, *words):
        return subprocess.run(
            [COPR_CLI, "--config", self.config, *words],
            cwd=self.desk,
            capture_output=True,
            text=True,
            timeout=60,
            env={"PATH": os.environ["PATH"], "HOME": str(self.desk), "LC_ALL": "C.UTF-8"},
        )

    def __call__(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def fails(self, code, *words):
        done = self.run(*words)
        assert done.returncode == code, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def street(tmp_path):
    """A house whose facade answers on a port."""
    server = make_server("127.0.0.1", 0, lambda environ, start: [], threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    street = Street(tmp_path / "data", chroots=CHROOTS, public_url=url)
    server.app = street.app
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield street
    server.shutdown()
    server.server_close()
    thread.join()
    street.close()


@pytest.fixture
def person(street, tmp_path):
    def make(login):
        street.person(login)
        login_key, secret = new_login(), new_secret()
        with street.house.records.begin() as unit:
            account = unit.accounts.get(login)
            unit.tokens.create(account.id, "copr", login_key, hash_secret(secret))
        someone = Person(login, tmp_path / login)
        someone.desk.mkdir()
        someone.config.write_text(client_config(login_key, secret, login, street.settings.url))
        return someone

    return make


@pytest.fixture
def anna(person):
    return person("anna")


@pytest.fixture
def demo(anna):
    anna("create", "demo", "--chroot", "debian-12-x86_64", "--chroot", "epel-9-x86_64")
    return anna


def do_sources(street, *numbers):
    """What a worker does with waiting source parts."""
    for number in numbers:
        run_source(street.house.builder, number, 0)


def test_projects_are_made_looked_at_changed_and_deleted(anna):
    assert anna("whoami").strip() == "anna"
    assert "epel-9-x86_64" in anna("list-chroots")
    made = anna("create", "demo", "--chroot", "epel-9-x86_64", "--description", "My tools")
    assert "New project was successfully created" in made
    assert "Description: My tools" in anna("list")
    anna("modify", "demo", "--description", "Other tools", "--enable-net", "on")
    assert "Description: Other tools" in anna("get", "demo")
    anna("edit-chroot", "demo/epel-9-x86_64", "--packages", "gcc make")
    assert "gcc" in anna("get-chroot", "demo/epel-9-x86_64")
    assert "config_opts" in anna("mock-config", "demo", "epel-9-x86_64")
    anna("delete", "demo")
    assert "Project anna/demo does not exist" in anna.fails(ERROR, "get", "demo")


def test_packages_are_added_listed_edited_reset_and_deleted(demo):
    url = "https://git.example.com/hello.git"
    demo("add-package-scm", "demo", "--name", "hello", "--clone-url", url, "--method", "make_srpm")
    demo("add-package-pypi", "demo", "--name", "python-six", "--packagename", "six")
    assert demo("list-package-names", "demo").split() == ["hello", "python-six"]
    listed = demo("list-packages", "demo", "--with-latest-build", "--with-all-builds")
    assert '"source_build_method": "make_srpm"' in listed
    demo("edit-package-scm", "demo", "--name", "hello", "--clone-url", url, "--commit", "next")
    shown = demo("get-package", "demo", "--name", "hello")
    assert '"committish": "next"' in shown
    assert '"latest_build": null' in shown
    demo("reset-package", "demo", "--name", "hello")
    assert "Unset default source" in demo.fails(
        ERROR, "build-package", "demo", "--name", "hello", "--nowait"
    )
    demo("delete-package", "demo", "--name", "hello")
    assert "No package with name hello" in demo.fails(
        ERROR, "get-package", "demo", "--name", "hello"
    )


def test_an_srpm_is_uploaded_and_followed(demo, street):
    content = craft.with_files({"hello.spec": craft.SPEC, "data.txt": b"x" * 300_000})
    (demo.desk / "hello-1.0-1.src.rpm").write_bytes(content)
    answer = demo("build", "demo", "hello-1.0-1.src.rpm", "--nowait")
    number = re.search(r"Created builds: (\d+)", answer).group(1)
    assert demo("status", number).strip() == "pending"
    assert number in demo("list-builds", "demo")
    do_sources(street, int(number))
    assert demo("status", number).strip() == "pending"
    shown = demo("get-package", "demo", "--name", "hello", "--with-latest-build")
    assert '"version": "1.0-1"' in shown
    assert "hello-1.0-1.src.rpm" in shown
    assert "hello" in demo("monitor", "demo")
    files = street.admin.xml("/source/home:anna:demo/hello").findall("entry")
    assert {entry.get("name") for entry in files} == {"hello.spec", "data.txt"}
    demo("cancel", number)
    assert "Build(s) 1 canceled" in demo.fails(FAILED_BUILD, "watch-build", number)
    demo("delete-build", number)
    assert "does not exist" in demo.fails(ERROR, "status", number)


def test_a_spec_that_names_no_source_is_refused_in_its_source_part(demo, street):
    (demo.desk / "bad-1-1.src.rpm").write_bytes(b"this is no package")
    answer = demo("build", "demo", "bad-1-1.src.rpm", "--nowait")
    number = re.search(r"Created builds: (\d+)", answer).group(1)
    do_sources(street, int(number))
    assert demo("status", number).strip() == "failed"
    assert "failed" in demo.fails(FAILED_BUILD, "watch-build", number)


def test_chroots_options_and_urls_of_builds_are_checked(demo):
    url = "http://x.example.com/a-1-1.src.rpm"
    demo(
        "build", "demo", url, "--nowait", "-r", "epel-9-x86_64", "--timeout", "1000", "--background"
    )
    refused = demo.fails(ERROR, "build", "demo", url, "--nowait", "-r", "fedora-77-x86_64")
    assert "'fedora-77-x86_64' is not a valid choice" in refused
    refused = demo.fails(ERROR, "build", "demo", "http://x.example.com/a.tar.gz", "--nowait")
    assert "URLs must end with .src.rpm" in refused


def test_what_is_not_allowed_says_so_by_its_exit_code(demo, person):
    bert = person("bert")
    refused = bert.fails(FORBIDDEN, "modify", "anna/demo", "--description", "mine")
    assert "Only owners and admins may update their projects." in refused
    bert.fails(FORBIDDEN, "create", "anna/other", "--chroot", "epel-9-x86_64")
    bert.fails(FORBIDDEN, "build", "anna/demo", "http://x.example.com/a.src.rpm", "--nowait")
    bert("request-permissions", "anna/demo", "--builder")
    demo("edit-permissions", "demo", "--builder", "bert")
    assert "approved" in demo("list-permissions", "demo")
    bert("build", "anna/demo", "http://x.example.com/a.src.rpm", "--nowait")


def test_mistakes_are_told_in_the_words_of_copr(anna):
    assert "'[]' is not a valid choice" in anna.fails(ERROR, "create", "empty")
    assert "can not be just number" in anna.fails(
        ERROR, "create", "12345", "--chroot", "epel-9-x86_64"
    )
    anna("create", "demo", "--chroot", "epel-9-x86_64")
    assert "You already have a project named 'demo'." in anna.fails(
        ERROR, "create", "demo", "--chroot", "epel-9-x86_64"
    )


def test_a_token_is_renewed_and_a_wrong_one_refused(anna):
    before = anna.config.read_text()
    anna("new-api-token")
    assert anna.config.read_text() != before
    anna("create", "demo", "--chroot", "epel-9-x86_64")
    anna.config.write_text(before)
    assert "Login invalid/expired" in anna.fails(ERROR, "modify", "demo", "--description", "x")
