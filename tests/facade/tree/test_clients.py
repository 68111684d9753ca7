"""dnf, zypper and apt use published repositories over HTTP, and refuse tampered ones."""

import gzip
import os
import re
import shutil
import subprocess
import urllib.request

import pytest

from builder.publishers import PackageCache
from builder.publishers.rpmpieces import read_pieces
from builder.publishers.subject import generations
from tests.support import need

TREE = "repositories/home:/anna/standard"


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    """The house is on this machine, whatever proxy is set up here."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def fetch(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def run(*command, **options):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, **options
    )


class Client:
    """A package manager with its own root and no other repository."""

    def __init__(self, directory, live):
        self.directory = directory
        self.live = live
        self.root = directory / "root"
        self.root.mkdir(parents=True)
        self.prepare()

    def forget(self):
        """Back to a fresh machine."""
        shutil.rmtree(self.directory)
        self.__init__(self.directory, self.live)


class Dnf(Client):
    program = "dnf"
    repo_file = f"{TREE}/home:anna.repo"

    def prepare(self):
        repos = self.directory / "repos"
        repos.mkdir()
        text = fetch(f"{self.live}/{self.repo_file}").decode()
        text = text.replace("repo_gpgcheck=0\n", "") + "repo_gpgcheck=1\n"
        (repos / "anna.repo").write_text(text.replace("$basearch", "x86_64"))
        (self.directory / "dnf.conf").write_text("[main]\nplugins=0\nproxy=_none_\n")

    def install(self, name, command="install"):
        places = {
            "reposdir": self.directory / "repos",
            "cachedir": self.directory / "cache",
            "persistdir": self.directory / "persist",
            "logdir": self.directory,
        }
        options = [f"--setopt={key}={value}" for key, value in places.items()]
        return run(
            "dnf",
            f"--config={self.directory / 'dnf.conf'}",
            *options,
            f"--installroot={self.root}",
            "--releasever=1",
            "--refresh",
            "-y",
            command,
            name,
            env={**os.environ, "HOME": str(self.directory)},
        )


class Zypper(Client):
    program = "zypper"

    def prepare(self):
        self.zypper("addrepo", f"{self.live}/{TREE}/home:anna.repo")

    def install(self, name):
        refreshed = self.zypper("--gpg-auto-import-keys", "refresh", "--force")
        if refreshed.returncode:
            return refreshed
        return self.zypper("install", "--no-recommends", name)

    def zypper(self, *arguments):
        return run(
            "zypper",
            "--non-interactive",
            f"--root={self.root}",
            *arguments,
            env={**os.environ, "HOME": str(self.directory)},
        )


class Apt(Client):
    program = "apt-get"

    def prepare(self):
        for name in ("state/lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/p"):
            (self.directory / name).mkdir(parents=True)
        (self.directory / "status").touch()
        (self.directory / "anna.sources").write_bytes(
            fetch(f"{self.live}/{TREE}/home:anna.sources")
        )
        (self.directory / "apt.conf").write_text(
            f"""
            Dir::State "{self.directory}/state";
            Dir::State::status "{self.directory}/status";
            Dir::Cache "{self.directory}/cache";
            Dir::Etc "{self.directory}/etc";
            Dir::Etc::main "{self.directory}/nothing";
            Dir::Etc::parts "{self.directory}/etc/apt.conf.d";
            Dir::Etc::preferencesparts "{self.directory}/etc/p";
            Dir::Etc::sourcelist "{self.directory}/anna.sources";
            Dir::Etc::sourceparts "-";
            Dir::Etc::trusted "/nonexistent";
            Dir::Etc::trustedparts "/nonexistent";
            APT::Sandbox::User "root";
            APT::Architecture "amd64";
            Acquire::http::Proxy "DIRECT";
            """
        )

    def install(self, name):
        updated = self.apt("update", "--error-on=any")
        if updated.returncode:
            return updated
        return self.apt("download", name)

    def apt(self, *arguments):
        return run(
            "apt-get",
            *arguments,
            cwd=self.root,
            env={**os.environ, "APT_CONFIG": str(self.directory / "apt.conf")},
        )


def end_agents(client):
    """libdnf leaves a gpg-agent behind for each repository."""
    for home in client.directory.glob("cache/*/pubring"):
        for order in ("--kill=all", "--remove-socketdir"):
            command, _, what = order.partition("=")
            run("gpgconf", "--homedir", str(home), command, *([what] if what else []))


@pytest.fixture
def client(request, hello, live, tmp_path):
    need.root()
    need.program(request.param.program)
    made = request.param(tmp_path / "client", live)
    yield made
    end_agents(made)


every_client = pytest.mark.parametrize("client", [Dnf, Zypper, Apt], indirect=True)
rpm_clients = pytest.mark.parametrize("client", [Dnf, Zypper], indirect=True)
apt_only = pytest.mark.parametrize("client", [Apt], indirect=True)


def tree(yard):
    return yard.published / "home:/anna/standard"


def change(path, content):
    """Another content under the same name, as an attacker on the way would send it."""
    path.unlink()
    path.write_bytes(content)


@every_client
def test_a_package_is_installed_with_every_check_on(client):
    done = client.install("hello")
    assert done.returncode == 0, done.stdout + done.stderr
    if isinstance(client, Apt):
        assert (client.root / "hello_1.0_all.deb").is_file()
    else:
        assert (client.root / "usr/share/hello/text").read_text() == "hello\n"


@every_client
def test_the_next_generation_is_found(client, hello, built):
    assert client.install("hello").returncode == 0
    hello.succeed("hello", [built["hello-2"], built["hello-deb-2"]])
    hello.publish()
    done = (
        client.install("hello", "upgrade") if isinstance(client, Dnf) else client.install("hello")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if isinstance(client, Apt):
        assert (client.root / "hello_2.0_all.deb").is_file()
    else:
        assert (client.root / "usr/share/hello/text").read_text() == "hello again\n"


@rpm_clients
def test_a_changed_repomd_is_refused(client, hello):
    top = tree(hello) / "repodata/repomd.xml"
    change(top, top.read_bytes().replace(b"<revision>", b"<revision>9"))
    done = client.install("hello")
    assert done.returncode != 0
    assert re.search(
        "Bad (GPG|PGP) signature|Signature verification failed", done.stdout + done.stderr
    )
    assert not (client.root / "usr/share/hello").exists()


@rpm_clients
def test_a_changed_list_is_refused(client, hello):
    (path,) = (tree(hello) / "repodata").glob("*-primary.xml.gz")
    text = gzip.decompress(path.read_bytes()).replace(b"Greeting", b"greeting")
    change(path, gzip.compress(text))
    assert client.install("hello").returncode != 0
    assert not (client.root / "usr/share/hello").exists()


@rpm_clients
def test_a_changed_package_is_refused(client, hello, built):
    path = tree(hello) / "noarch/hello-1.0-1.noarch.rpm"
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    change(path, bytes(data))
    done = client.install("hello")
    assert done.returncode != 0
    assert not (client.root / "usr/share/hello").exists()


@pytest.mark.parametrize("client", [Dnf], indirect=True)
def test_a_package_signed_by_somebody_else_is_refused(client, hello, built, tmp_path):
    """Even if well signed metadata describes it. (zypper trusts what such metadata names.)"""
    signer = hello.street.house.signer
    signer.create_key("home:mallory", "mallory <m@localhost>")
    foreign = tmp_path / "foreign.rpm"
    signer.sign_rpms("home:mallory", [(built["hello"], foreign)])
    place = "noarch/hello-1.0-1.noarch.rpm"
    _smuggle_in(hello, place, foreign)
    (tmp_path / "extra-1.tar.gz").write_bytes(b"makes another generation")
    hello.succeed("extra", [tmp_path / "extra-1.tar.gz"])
    hello.publish()
    assert (tree(hello) / place).read_bytes() == foreign.read_bytes()
    done = client.install("hello")
    assert done.returncode != 0, done.stdout
    assert not (client.root / "usr/share/hello").exists()


def _smuggle_in(hello, place, foreign):
    """Put another file in place of a package's signed copy."""
    key = hello.street.house.signer.public_key("home:anna")
    manifest = generations(hello.house).current("home:anna", "standard").manifest()
    entry = PackageCache(hello.published).find(key.fingerprint, manifest.find(place).sha256)
    change(entry / "package.rpm", foreign.read_bytes())
    change(entry / "pieces", read_pieces(foreign))


@apt_only
@pytest.mark.parametrize("name", ["InRelease", "Packages.gz"])
def test_a_changed_index_is_refused(client, hello, name):
    path = tree(hello) / name
    data = path.read_bytes()
    if name == "InRelease":
        changed = data.replace(b"Label: home:anna", b"Label: home:eve")
    else:
        changed = gzip.compress(gzip.decompress(data).replace(b"greeting", b"Greeting"))
    assert changed != data
    for twin in (tree(hello) / "by-hash/SHA256").iterdir():
        if twin.samefile(path):
            change(twin, changed)
    change(path, changed)
    done = client.install("hello")
    assert done.returncode != 0
    assert not list(client.root.glob("*.deb"))


@apt_only
def test_a_changed_deb_is_refused(client, hello):
    path = tree(hello) / "all/hello_1.0_all.deb"
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    change(path, bytes(data))
    done = client.install("hello")
    assert done.returncode != 0
    assert "Hash Sum mismatch" in done.stderr
    assert not list(client.root.glob("*.deb"))


@apt_only
def test_sources_are_fetched(client):
    assert client.apt("update").returncode == 0
    done = client.apt("source", "--download-only", "hello")
    assert done.returncode == 0, done.stderr
    assert (client.root / "hello_1.0.dsc").is_file()
    assert (client.root / "hello_1.0.tar.xz").is_file()


@apt_only
def test_the_lists_are_had_by_their_checksum(client, live, hello):
    """Only that way a new generation between two requests does no harm."""
    done = client.apt("update", "-o", "Debug::Acquire::http=true")
    assert "GET /repositories/home:/anna/standard/./by-hash/SHA256/" in done.stdout + done.stderr


def test_the_layout_of_copr_is_a_repository_too(yard, live, built, tmp_path):
    need.root()
    need.program("dnf")
    yard.project("home:anna:tools", repositories=("debian-12",))
    yard.succeed("hello", [built["hello"]], "home:anna:tools", repository="debian-12")
    yard.publish("home:anna:tools", "debian-12")

    class CoprDnf(Dnf):
        repo_file = "coprs/anna/tools/repo/debian-12/"

    client = CoprDnf(tmp_path / "client", live)
    done = client.install("hello")
    end_agents(client)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (client.root / "usr/share/hello/text").read_text() == "hello\n"
