"""Kinds of base roots, and how they are chosen from the settings."""

from dataclasses import replace
from pathlib import Path

import pytest

from builder.chroots import seccomp
from builder.chroots.base import ChrootBroken, InstallSet, Unresolvable
from builder.chroots.bases import BaseRoots, BaseSpec
from builder.chroots.bubblewrap import Bubblewrap
from builder.chroots.configured import chroots
from builder.chroots.modes import Mode
from builder.house import BuilderSettings, ChrootSettings
from tests.builder.sandboxes import Place


def test_a_base_is_described_the_same_twice(debian, test_cache):
    again = Bubblewrap("again", BaseSpec("mmdebstrap"), test_cache, Mode.ROOT)

    assert again.base() == debian.base()
    assert debian.base().status.is_file()
    assert debian.base().sources.startswith("deb ")


def test_nothing_of_the_machine_is_in_a_debootstrapped_base(debian):
    root = debian.base().lowers[-1]

    assert (debian.base().lowers[0] / "etc/hostname").read_text() == "build\n"
    assert (debian.base().lowers[0] / "etc/resolv.conf").read_text() == ""
    assert not list((root / "var/cache/apt/archives").glob("*.deb"))


def test_a_directory_serves_as_it_is(debian, tmp_path):
    spec = BaseSpec("directory", source=str(debian.base().lowers[-1]))
    chroot = Bubblewrap("directory", spec, tmp_path, Mode.ROOT)

    ran = Place(chroot, tmp_path / "roots").run("gcc --version; id -un")

    assert ran.output.startswith("gcc")
    assert ran.output.endswith("build\n")


def test_the_machines_own_tree_takes_no_packages(place, tmp_path):
    host = Place(Bubblewrap("host", BaseSpec("host"), tmp_path, Mode.ROOT), tmp_path / "roots")
    file = tmp_path / "x.rpm"
    file.write_text("x")

    with pytest.raises(Unresolvable, match=r"not installed on the build machine: x\.rpm"):
        host.run("true", install=InstallSet(rpms=(file,)))


def test_without_mmdebstrap_the_machine_itself_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent:/bin")
    monkeypatch.setattr("shutil.which", lambda name: None)

    base = BaseRoots(tmp_path, Mode.ROOT).get(BaseSpec("mmdebstrap"))

    assert base.shown
    assert "build machine's own system" in base.notice


@pytest.mark.parametrize(
    "spec",
    [
        BaseSpec("tarball", source="/nonexistent"),
        BaseSpec("directory", source="/nonexistent"),
        BaseSpec("unheard-of"),
    ],
)
def test_a_base_that_cannot_be_made_is_said_so(tmp_path, spec):
    with pytest.raises(ChrootBroken):
        BaseRoots(tmp_path, Mode.ROOT).get(spec)

    assert not list(tmp_path.glob("bases/.making-*"))


def test_every_configured_environment_becomes_a_chroot(tmp_path):
    settings = BuilderSettings(
        data_dir=tmp_path,
        cache_dir=tmp_path / "cache",
        chroots=(
            ChrootSettings("debian-12-x86_64"),
            ChrootSettings("own-1-x86_64", kind="tarball", tarball=Path("/x.tar")),
        ),
    )

    made = chroots(settings, "rootless")

    assert list(made) == ["debian-12-x86_64", "own-1-x86_64"]
    assert {chroot.mode for chroot in made.values()} == {Mode.ROOTLESS}
    assert not (tmp_path / "cache").exists()
    assert chroots(replace(settings, chroots=())) == {}


@pytest.mark.parametrize(("machine", "steps"), [("x86_64", 100), ("aarch64", 50)])
def test_the_call_filter_is_a_program_of_whole_steps(machine, steps):
    code = seccomp.program(machine)

    assert len(code) % 8 == 0
    assert len(code) // 8 > steps
    assert seccomp.program("vax") is None
