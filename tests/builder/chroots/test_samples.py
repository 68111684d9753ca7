"""The sample packages, built in clean roots over cached layers."""

from dataclasses import replace
from pathlib import Path

import pytest

from builder.chroots.base import ChrootBroken, InstallSet, Unresolvable
from tests.builder.sandboxes import ROOTLESS_UID, SMALL, in_child

SAMPLES = Path(__file__).parents[2] / "samples"
RPMBUILD = (
    "rpmbuild -ba --define '_dbpath /var/lib/rpm' --define '_topdir /home/build/top' "
    "--define '_sourcedir /home/build/src' src/*.spec"
)
LIMITS = replace(SMALL, disk_bytes=1 << 30, wall_s=120, processes=1000)


def names(ran):
    return sorted(Path(name).name for name in ran.files)


def test_hello_c(place):
    ran = place.run(
        RPMBUILD,
        LIMITS,
        InstallSet(rpm=True),
        copy=SAMPLES / "hello-c",
        keep=["top/*RPMS/**/*.rpm"],
    )

    assert ran.status.ok, ran.output
    assert names(ran) == ["hello-c-1.0-1.src.rpm", "hello-c-1.0-1.x86_64.rpm"]


def test_hello_py_gets_python_from_a_layer(place):
    install = InstallSet(debs=("python3",), rpm=True)
    ran = place.run(RPMBUILD, LIMITS, install, copy=SAMPLES / "hello-py", keep=["top/RPMS/*/*.rpm"])

    assert ran.status.ok, ran.output
    assert names(ran) == ["hello-py-2.1-3.noarch.rpm"]


def test_a_layer_is_made_once(place):
    install = InstallSet(debs=("python3",), rpm=True)
    place.run("true", LIMITS, install)

    ran = place.run("python3 --version", LIMITS, install)

    assert ran.output.startswith("Python 3")  # and no word of an installation


def test_hello_deb(place):
    install = InstallSet(debs=("debhelper",))
    script = (
        "cd src && dpkg-source -x *.dsc tree && cd tree && dpkg-buildpackage -us -uc -rfakeroot"
    )
    ran = place.run(script, LIMITS, install, copy=SAMPLES / "hello-deb", keep=["src/*.deb"])

    assert ran.status.ok, ran.output
    assert {"hello-deb_1.0_amd64.deb", "hello-deb-doc_1.0_all.deb"} <= set(names(ran))


def test_a_package_of_this_house_is_installed_with_its_requirements_checked(place, tmp_path):
    made = place.run(
        RPMBUILD, LIMITS, InstallSet(rpm=True), copy=SAMPLES / "pair-a", keep=["top/RPMS/*/*.rpm"]
    )
    rpms = []
    for name, data in made.files.items():
        rpms.append(tmp_path / Path(name).name)
        rpms[-1].write_bytes(data)

    ran = place.run(
        RPMBUILD,
        LIMITS,
        InstallSet(rpm=True, rpms=tuple(rpms)),
        copy=SAMPLES / "pair-b",
        keep=["top/RPMS/*/*.rpm"],
    )
    assert ran.status.ok, ran.output
    assert names(ran) == ["pair-b-0.9-1.x86_64.rpm"]

    only_devel = tuple(path for path in rpms if "devel" in path.name)
    with pytest.raises(Unresolvable, match=r"pair-a = 1\.2-1 is needed by pair-a-devel"):
        place.run("true", LIMITS, InstallSet(rpm=True, rpms=only_devel))


def test_a_missing_build_requirement_stops_rpmbuild(place):
    ran = place.run(RPMBUILD, LIMITS, InstallSet(rpm=True), copy=SAMPLES / "pair-b")

    assert ran.status.code == 11
    assert "pkgconfig(pair-a) >= 1.2 is needed by pair-b" in ran.output


def test_a_name_the_project_substitutes_is_provided(place, tmp_path):
    source = tmp_path / "needs"
    source.mkdir()
    (source / "needs.spec").write_text(
        "Name: needs\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n"
        "BuildRequires: gcc-c++ >= 10\nBuildRequires: pkgconfig(libcrypt)\n"
        "BuildRequires: /usr/bin/perl\nBuildRequires: perl(Data::Dumper)\n%description\n%files\n"
    )
    install = InstallSet(rpm=True, provides=(("gcc-c++", ("g++",)),))

    assert place.run(RPMBUILD, LIMITS, install, copy=source).status.ok
    assert place.run(RPMBUILD, LIMITS, InstallSet(rpm=True), copy=source).status.code == 11


def test_an_unknown_package_is_unresolvable(place):
    with pytest.raises(Unresolvable, match="Unable to locate package no-such-package"):
        place.run("true", LIMITS, InstallSet(debs=("no-such-package",)))


def test_an_option_is_no_package_name(place):
    with pytest.raises(Unresolvable, match="is no package name"):
        place.run("true", LIMITS, InstallSet(debs=("-oAPT::Update::Pre-Invoke::=x",)))


def test_roots_are_made_in_isolated_processes_only(debian):
    from builder.chroots.base import Capture

    with pytest.raises(ChrootBroken, match="isolated"):
        debian.prepare(InstallSet(), LIMITS, Capture())


def test_a_root_of_no_privilege_builds_hello_c_and_hello_deb(rootless):
    def build():
        place = rootless.place()
        rpm = place.run(
            RPMBUILD,
            LIMITS,
            InstallSet(rpm=True),
            copy=SAMPLES / "hello-c",
            keep=["top/RPMS/*/*.rpm"],
        )
        deb = place.run(
            "cd src && dpkg-source -x *.dsc tree && cd tree && dpkg-buildpackage -us -uc",
            LIMITS,
            InstallSet(debs=("debhelper",)),
            copy=SAMPLES / "hello-deb",
            keep=["src/*.deb"],
        )
        harm = place.run(
            "for i in 'unshare --user true' 'mount -t tmpfs x /mnt' 'touch /dev/x' "
            "'chmod 0 /dev/null'; do if $i 2>/dev/null; then echo done: $i; fi; done"
        )
        return rpm.status.ok, names(rpm), deb.status.ok, names(deb), harm.output

    rpm_ok, rpms, deb_ok, debs, harm = in_child(build, uid=ROOTLESS_UID)

    assert rpm_ok
    assert rpms == ["hello-c-1.0-1.x86_64.rpm"]
    assert deb_ok
    assert "hello-deb_1.0_amd64.deb" in debs
    assert harm == ""


def test_the_machines_own_tree_serves_without_any_tool(place, tmp_path):
    from builder.chroots.bases import BaseSpec
    from builder.chroots.bubblewrap import Bubblewrap
    from tests.builder.sandboxes import Place

    host = Bubblewrap("host", BaseSpec("host"), tmp_path, place.chroot.mode)
    ran = Place(host, tmp_path / "roots").run("ls -a / /root /etc; cat /etc/shadow; git --version")

    first, *rest = ran.output.splitlines()
    assert "build machine's own system" in first
    assert not {"work", "shadow", ".ssh", ".cache"} & set(rest)
    assert any(line.startswith("git version") for line in rest)
