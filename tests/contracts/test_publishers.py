"""What every publisher promises about the tree it writes, read back by foreign parsers."""

import gzip
import hashlib
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from debian.deb822 import Deb822, Packages, Release

from builder.publishers import (
    AptPublisher,
    Item,
    Kind,
    PackageCache,
    PlainPublisher,
    RepositoryFacts,
    RpmMdPublisher,
)
from builder.publishers.places import place_of
from builder.signers import SequoiaSigner
from tests.builder.publish.packages import make_deb, make_dsc, make_rpm
from tests.support import need

NOW = 1_700_000_000


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    need.program("rpmbuild", "dpkg-deb")
    top = tmp_path_factory.mktemp("built")
    return [
        *make_rpm(top, "hello", changes=25),
        *make_rpm(top, "machine", "3.1", arch="x86_64"),
        make_deb(top, "hello", extra="Filename: /etc/shadow\nsize: 7\nX-Note: kept\n"),
        make_deb(top, "tool", "2:1.0-3", arch="amd64"),
        *make_dsc(top / "dsc"),
    ]


def item_of(path, **change):
    place, kind = place_of(path.name)
    data = path.read_bytes()
    facts = {
        "place": place,
        "kind": kind,
        "path": path,
        "package": "hello",
        "arch": "x86_64",
        "job_id": 1,
        "filename": path.name,
        "size": len(data),
        "md5": hashlib.md5(data).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "mtime": NOW,
    }
    return Item(**(facts | change))


@pytest.fixture
def items(files):
    # A Debian version with an epoch is written with a colon, also in file names here.
    return sorted((item_of(path) for path in files), key=lambda item: item.place)


@pytest.fixture
def signer(tmp_path):
    need.program("gpg")
    return SequoiaSigner(tmp_path / "keys")


@pytest.fixture
def key(signer):
    return signer.create_key("home:anna", "home:anna OBS Project <home:anna@localhost>")


@pytest.fixture
def facts(key):
    return RepositoryFacts(
        project="home:anna",
        repository="standard",
        title="Anna's packages",
        url="http://house/repositories/home:/anna/standard/",
        instance="packhouse",
        key=key,
        made_at=NOW,
    )


@pytest.fixture(params=["rpm-md", "apt", "plain"])
def publisher(request, signer, tmp_path):
    cache = PackageCache(tmp_path / "published")
    return {
        "rpm-md": lambda: RpmMdPublisher(signer, cache),
        "apt": lambda: AptPublisher(signer, cache),
        "plain": PlainPublisher,
    }[request.param]()


@pytest.fixture
def rpm(signer, tmp_path):
    return RpmMdPublisher(signer, PackageCache(tmp_path / "published"))


@pytest.fixture
def apt(signer, tmp_path):
    return AptPublisher(signer, PackageCache(tmp_path / "published"))


@pytest.fixture
def new_tree(tmp_path):
    made = []

    def make():
        made.append(tmp_path / f"tree-{len(made)}")
        made[-1].mkdir()
        return made[-1]

    return make


def paths(tree):
    return {str(p.relative_to(tree)) for p in tree.rglob("*") if p.is_file()}


def without(facts, **change):
    return replace(facts, **change)


# --- every publisher ---


def test_it_places_the_files_of_its_kinds_and_no_others(publisher, items, facts, new_tree):
    tree = new_tree()
    assert publisher.write(tree, items, facts) == []
    mine = {item.place for item in items if item.kind in publisher.kinds}
    others = {item.place for item in items} - mine
    assert mine <= paths(tree)
    assert not others & paths(tree)


def test_the_same_files_give_the_same_lists(publisher, items, facts, new_tree):
    first, second = new_tree(), new_tree()
    facts = without(facts, key=None)
    publisher.write(first, items, facts)
    publisher.write(second, items, facts)
    assert paths(first) == paths(second)
    for path in paths(first):
        assert (first / path).read_bytes() == (second / path).read_bytes()


def test_results_are_never_changed(publisher, items, facts, new_tree):
    before = [item.path.read_bytes() for item in items]
    publisher.write(new_tree(), items, facts)
    assert [item.path.read_bytes() for item in items] == before


def test_nothing_of_a_signature_without_a_key(publisher, items, facts, new_tree):
    tree = new_tree()
    publisher.write(tree, items, without(facts, key=None))
    assert not [p for p in paths(tree) if p.endswith((".asc", ".key", ".gpg", "InRelease"))]


def test_a_lost_result_is_left_out(publisher, items, facts, new_tree, tmp_path):
    mine = [item for item in items if item.kind in publisher.kinds]
    lost = replace(mine[0], path=tmp_path / "nowhere", sha256="0" * 64)
    left = publisher.write(new_tree(), [lost, *mine[1:]], facts)
    assert lost in [entry.item for entry in left]


def test_an_empty_repository_has_valid_metadata(publisher, facts, new_tree):
    assert publisher.write(new_tree(), [], facts) == []


def test_titles_cannot_bring_lines_of_their_own(publisher, items, facts, new_tree):
    tree = new_tree()
    publisher.write(tree, items, without(facts, title="x\ngpgcheck=0\nTrusted: yes\r\n"))
    for path in tree.glob("*"):
        if path.is_file() and path.suffix in (".repo", ".sources", ""):
            lines = path.read_text().splitlines()
            assert "gpgcheck=0" not in lines
            assert "Trusted: yes" not in lines


# --- rpm-md ---

COMMON = "{http://linux.duke.edu/metadata/common}"
REPO = "{http://linux.duke.edu/metadata/repo}"
OTHER = "{http://linux.duke.edu/metadata/other}"


def index(tree, kind):
    top = ET.parse(tree / "repodata/repomd.xml").getroot()
    (data,) = (d for d in top.findall(f"{REPO}data") if d.get("type") == kind)
    path = tree / data.find(f"{REPO}location").get("href")
    packed = path.read_bytes()
    unpacked = gzip.decompress(packed)
    assert hashlib.sha256(packed).hexdigest() == data.find(f"{REPO}checksum").text
    assert hashlib.sha256(unpacked).hexdigest() == data.find(f"{REPO}open-checksum").text
    assert data.find(f"{REPO}size").text == str(len(packed))
    assert data.find(f"{REPO}open-size").text == str(len(unpacked))
    assert path.name == f"{hashlib.sha256(packed).hexdigest()}-{kind}.xml.gz"
    return ET.fromstring(unpacked)


def test_rpmmd_lists_each_package_with_its_place_size_and_checksum(rpm, items, facts, new_tree):
    tree = new_tree()
    rpm.write(tree, items, facts)
    primary = index(tree, "primary")
    rpms = {item.place for item in items if item.kind is Kind.RPM}
    assert primary.get("packages") == str(len(rpms))
    listed = {}
    for package in primary:
        place = package.find(f"{COMMON}location").get("href")
        listed[place] = package
        data = (tree / place).read_bytes()
        assert package.find(f"{COMMON}checksum").text == hashlib.sha256(data).hexdigest()
        assert package.find(f"{COMMON}size").get("package") == str(len(data))
        assert package.find(f"{COMMON}time").get("file") == str(NOW)
    assert set(listed) == rpms
    hello = listed["noarch/hello-1.0-1.noarch.rpm"]
    assert hello.find(f"{COMMON}description").text == (
        "Says hello.\nTwice, with <angle brackets> & more."
    )
    assert index(tree, "filelists").get("packages") == str(len(rpms))


def test_rpmmd_keeps_twenty_changelog_entries(rpm, items, facts, new_tree):
    tree = new_tree()
    rpm.write(tree, items, facts)
    for package in index(tree, "other"):
        entries = package.findall(f"{OTHER}changelog")
        assert len(entries) == (20 if package.get("name") == "hello" else 2)


def test_rpmmd_names_its_origin_and_build(rpm, items, facts, new_tree):
    tree = new_tree()
    rpm.write(tree, items, facts)
    top = ET.parse(tree / "repodata/repomd.xml").getroot()
    tags = [tag.text for tag in top.findall(f"{REPO}tags/{REPO}repo")]
    assert tags == ["obsrepository://packhouse/home:anna/standard", f"obsbuildid:{NOW}"]


def test_rpmmd_gives_users_a_repo_file(rpm, items, facts, new_tree, key):
    tree = new_tree()
    rpm.write(tree, items, facts)
    lines = (tree / "home:anna.repo").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "[home_anna]",
        "name=Anna's packages (standard)",
        "type=rpm-md",
        "baseurl=http://house/repositories/home:/anna/standard/",
        "gpgcheck=1",
        "gpgkey=http://house/repositories/home:/anna/standard/repodata/repomd.xml.key",
        "enabled=1",
    ]
    assert (tree / "repodata/repomd.xml.key").read_text() == key.armored
    nowhere = new_tree()
    rpm.write(nowhere, items, without(facts, url=""))
    assert "home:anna.repo" not in paths(nowhere)


def test_rpmmd_signs_a_package_once(rpm, items, facts, new_tree, signer, monkeypatch):
    first, second = new_tree(), new_tree()
    rpm.write(first, items, facts)
    monkeypatch.delattr(type(signer), "sign_rpms")
    rpm.write(second, items, facts)
    place = next(item.place for item in items if item.kind is Kind.RPM)
    assert (first / place).samefile(second / place)


def test_rpmmd_carries_the_former_lists_for_clients_between_two_reads(rpm, items, facts, new_tree):
    first, second, third = new_tree(), new_tree(), new_tree()
    rpm.write(first, items, facts)
    former = {p for p in paths(first) if p.endswith(".xml.gz")}
    rpm.write(second, [], facts, previous=first)
    assert former < paths(second)
    rpm.write(third, [], facts, previous=second)
    assert not former & paths(third)


def test_rpmmd_does_not_believe_a_cached_package_of_another_key(
    rpm, items, facts, new_tree, signer
):
    first, second = new_tree(), new_tree()
    rpm.write(first, items, facts)
    other = signer.create_key("home:anna", "x <x@localhost>")
    rpm.write(second, items, without(facts, key=other))
    place = next(item.place for item in items if item.kind is Kind.RPM)
    assert (first / place).read_bytes() != (second / place).read_bytes()


# --- apt ---


def test_apt_lists_each_package_with_its_place_size_and_checksums(apt, items, facts, new_tree):
    tree = new_tree()
    apt.write(tree, items, facts)
    text = (tree / "Packages").read_bytes()
    assert gzip.decompress((tree / "Packages.gz").read_bytes()) == text
    found = {p["Filename"]: p for p in Packages.iter_paragraphs(text, use_apt_pkg=False)}
    assert set(found) == {f"./{item.place}" for item in items if item.kind is Kind.DEB}
    for place, paragraph in found.items():
        data = (tree / place).read_bytes()
        assert paragraph["Size"] == str(len(data))
        assert paragraph["MD5sum"] == hashlib.md5(data).hexdigest()
        assert paragraph["SHA1"] == hashlib.sha1(data).hexdigest()
        assert paragraph["SHA256"] == hashlib.sha256(data).hexdigest()
    hello = found["./all/hello_1.0_all.deb"]
    assert hello["X-Note"] == "kept"
    assert hello["Description"].splitlines() == [
        "greeting called hello",
        " It says hello.",
        " .",
        " Twice.",
    ]


def test_apt_lists_sources_with_their_files(apt, items, facts, new_tree):
    tree = new_tree()
    apt.write(tree, items, facts)
    (source,) = Deb822.iter_paragraphs((tree / "Sources").read_bytes(), use_apt_pkg=False)
    assert (source["Package"], source["Version"], source["Directory"]) == ("hello", "1.0", ".")
    assert "Source" not in source
    names = [line.split()[2] for line in source["Files"].split("\n") if line.strip()]
    assert names == ["hello_1.0.dsc", "hello_1.0.tar.xz"]
    assert len(source["Checksums-Sha256"].strip().splitlines()) == 2


def test_apt_sources_without_their_files_are_left_out(apt, items, facts, new_tree):
    tree = new_tree()
    left = apt.write(tree, [item for item in items if item.kind is not Kind.FILE], facts)
    assert [entry.item.place for entry in left] == ["hello_1.0.dsc"]
    assert (tree / "Sources").read_bytes() == b""


def test_apt_release_sums_up_every_list(apt, items, facts, new_tree):
    tree = new_tree()
    apt.write(tree, items, facts)
    release = Release((tree / "Release").read_bytes())
    assert {name: release[name] for name in ("Archive", "Codename", "Origin", "Label")} == {
        "Archive": "standard",
        "Codename": "standard",
        "Origin": "obs://packhouse/home:anna/standard",
        "Label": "home:anna",
    }
    assert release["Architectures"] == "amd64"
    assert release["Description"] == "Anna's packages"
    assert release["Date"] == "Tue, 14 Nov 2023 22:13:20 UTC"
    for field, kind in (("MD5Sum", "md5"), ("SHA1", "sha1"), ("SHA256", "sha256")):
        names = set()
        for entry in release[field]:
            data = (tree / entry["name"]).read_bytes()
            assert entry[{"md5": "md5sum"}.get(kind, kind)] == hashlib.new(kind, data).hexdigest()
            assert entry["size"] == str(len(data))
            names.add(entry["name"])
        assert names == {"Packages", "Packages.gz", "Sources", "Sources.gz"}


def test_apt_lists_are_had_by_their_checksum_also_the_former_ones(apt, items, facts, new_tree):
    first, second, third = new_tree(), new_tree(), new_tree()
    apt.write(first, items, facts)
    former = {p for p in paths(first) if p.startswith("by-hash/SHA256/")}
    assert len(former) == 4
    for path in former:
        assert hashlib.sha256((first / path).read_bytes()).hexdigest() == path.rpartition("/")[2]
    apt.write(second, [], facts, previous=first)
    assert former < paths(second)
    apt.write(third, [], facts, previous=second)
    assert not former & paths(third)


def test_apt_gives_users_a_source_with_the_key_in_it(apt, items, facts, new_tree, key):
    tree = new_tree()
    apt.write(tree, items, facts)
    source = Deb822((tree / "home:anna.sources").read_bytes())
    assert (source["Types"], source["URIs"], source["Suites"]) == ("deb deb-src", facts.url, "./")
    lines = [line.strip() for line in source["Signed-By"].strip().splitlines()]
    assert "\n".join("" if line == "." else line for line in lines) == key.armored.strip()
    assert (tree / "Release.key").read_text() == key.armored
    unsigned = new_tree()
    apt.write(unsigned, items, without(facts, key=None))
    assert Deb822((unsigned / "home:anna.sources").read_bytes())["Trusted"] == "yes"
