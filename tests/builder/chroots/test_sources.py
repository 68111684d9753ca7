"""Which archives of a machine count as its distribution's own."""

import pytest

from builder.chroots.sources import host_sources, read_sources

DEBIAN = """\
Types: deb deb-src
# comment
URIs: http://deb.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://deb.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    return tmp_path


def test_stanzas_become_lines(root):
    (root / "etc/apt/sources.list.d/debian.sources").write_text(DEBIAN)

    key = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    assert host_sources("bookworm", root) == [
        f"deb {key} http://deb.example/debian bookworm main contrib",
        f"deb {key} http://deb.example/debian bookworm-updates main contrib",
        f"deb {key} http://deb.example/debian-security bookworm-security main",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "deb [signed-by=/etc/apt/keyrings/docker.asc] https://x.example/debian bookworm stable",
        "deb https://x.example/debian nodistro main",
        "deb-src http://deb.example/debian bookworm main",
        "# deb http://deb.example/debian bookworm main",
        "deb bookworm",
        "nonsense",
    ],
)
def test_third_parties_and_nonsense_are_left_out(root, line):
    (root / "etc/apt/sources.list").write_text(line + "\n")

    assert host_sources("bookworm", root) == []


def test_an_ubuntu_machine_has_its_own(root):
    (root / "etc/apt/sources.list").write_text(
        "deb http://archive.example/ubuntu noble main universe # note\n"
        "deb [arch=amd64] http://archive.example/ubuntu noble-security main\n"
    )

    assert host_sources("noble", root) == [
        "deb http://archive.example/ubuntu noble main universe",
        "deb [arch=amd64] http://archive.example/ubuntu noble-security main",
    ]


def test_the_sources_of_a_root_are_read_without_following_links(root, tmp_path):
    (root / "etc/apt/sources.list").write_text("deb http://a.example/debian bookworm main\n")
    (root / "etc/apt/sources.list.d/x.list").symlink_to("/etc/passwd")

    assert read_sources(root) == "deb http://a.example/debian bookworm main\n"
