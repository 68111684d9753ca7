"""Jobs built from committed sources to collected results."""

import json
import re
from dataclasses import replace

import pytest

from builder import outcome
from storage.model import JobState

from .conftest import SAMPLES

EXPECTED = {
    "hello-c": {"hello-c-1.0-1.src.rpm", "hello-c-1.0-1.x86_64.rpm"},
    "hello-py": {"hello-py-2.1-3.src.rpm", "hello-py-2.1-3.noarch.rpm"},
    "multi-sub": {
        "multi-sub-0.3-2.src.rpm",
        "libmultisub1-0.3-2.x86_64.rpm",
        "multi-sub-devel-0.3-2.x86_64.rpm",
        "multi-sub-tools-0.3-2.x86_64.rpm",
        "multi-sub-doc-0.3-2.noarch.rpm",
    },
}


@pytest.mark.parametrize("sample", sorted(EXPECTED))
def test_a_spec_sample_gives_its_packages(bench, sample):
    bench.commit(sample, SAMPLES / sample)

    job = bench.build(sample, install={"debs": ["python3"]} if sample == "hello-py" else {})

    assert (job.state, job.result) == (JobState.FINISHED, "succeeded"), bench.log(job)
    assert set(bench.binaries(job)) == EXPECTED[sample] == set(bench.results(job))
    assert re.search(r"^\[ +\d+s\] \+ ", bench.log(job), re.MULTILINE)


def test_a_dsc_sample_gives_its_packages(bench):
    bench.commit("hello-deb", SAMPLES / "hello-deb")

    job = bench.build("hello-deb", install={"debs": ["debhelper"]})

    assert job.result == "succeeded", bench.log(job)
    found = bench.binaries(job)
    assert {"hello-deb_1.0_amd64.deb", "hello-deb-doc_1.0_all.deb", "hello-deb_1.0.dsc"} <= set(
        found
    )
    header = found["hello-deb_1.0_amd64.deb"].header
    assert (header["name"], header["version"], header["arch"]) == ("hello-deb", "1.0", "amd64")


def test_the_header_of_a_package_is_kept(bench):
    bench.commit("multi-sub", SAMPLES / "multi-sub")

    found = bench.binaries(bench.build("multi-sub"))

    header = found["multi-sub-devel-0.3-2.x86_64.rpm"].header
    assert header["source"] == "multi-sub"
    assert "libmultisub1 = 0.3-2" in header["requires"]
    assert "multi-sub-static-headers = 0.3" in header["provides"]
    assert re.fullmatch(r"[0-9a-f]{32}", header["hdrmd5"])
    assert header["disturl"].startswith("obs://packhouse/home:anna/debian/")
    assert found["multi-sub-0.3-2.src.rpm"].header["arch"] == "src"


def test_a_compiler_error_fails_the_job(bench):
    bench.commit("fail-build", SAMPLES / "fail-build")

    job = bench.build("fail-build")

    assert (job.state, job.result) == (JobState.FINISHED, "failed")
    assert "undeclared_name" in bench.log(job)
    assert "Bad exit status" in bench.log(job)
    assert job.details == "the build ended with exit status 1"


def test_a_build_without_end_meets_its_time_limit(bench):
    bench.commit("hang-build", SAMPLES / "hang-build")

    job = bench.build("hang-build", options={"timeout": 2})

    assert job.result == "failed"
    assert job.details == "the build took longer than 2 seconds"
    assert "took longer than 2 seconds" in bench.log(job)


def test_a_package_builds_against_another_of_this_house(bench):
    bench.commit("pair-a", SAMPLES / "pair-a")
    bench.commit("pair-b", SAMPLES / "pair-b")
    alone = bench.build("pair-b")
    first = bench.build("pair-a")
    bench.accept(first)

    rpms = [
        {"job_id": first.id, "filename": name}
        for name in bench.binaries(first)
        if not name.endswith(".src.rpm")
    ]
    second = bench.build("pair-b", install={"rpms": rpms})

    assert alone.result == "unresolvable"
    assert "pkgconfig(pair-a) >= 1.2 is needed by pair-b" in alone.details
    assert second.result == "succeeded", bench.log(second)


def test_building_the_same_again_is_unchanged(bench):
    bench.commit("hello-c", SAMPLES / "hello-c")
    first = bench.build("hello-c")
    bench.accept(first)

    again = bench.build("hello-c", bcnt=2)
    spec = (SAMPLES / "hello-c" / "hello-c.spec").read_text()
    bench.commit("hello-c", {"hello-c.spec": spec.replace("Small C program", "Tiny C").encode()})
    changed = bench.build("hello-c")

    assert again.result == "unchanged"
    assert bench.results(again) == []
    assert changed.result == "succeeded"


def test_only_the_release_differs_is_unchanged_too(bench):
    bench.commit("hello-c", SAMPLES / "hello-c")
    form = {"release": "<CI_CNT>.<B_CNT>"}
    first = bench.build("hello-c", install=form, versrel="1.0-3", bcnt=1)
    bench.accept(first)

    again = bench.build("hello-c", install=form, versrel="1.0-3", bcnt=2)

    assert "hello-c-1.0-3.1.x86_64.rpm" in bench.results(first)
    assert again.result == "unchanged"


def test_a_copr_build_owns_its_results(bench):
    bench.commit("hello-c", SAMPLES / "hello-c")
    bench.accept(bench.build("hello-c"))

    assert bench.build("hello-c", cause="copr").result == "succeeded"


def test_macros_and_flags_of_the_project_reach_the_build(bench):
    spec = (
        b"Name: shows\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n"
        b"%description\n%build\necho is:%{greeting}:%{optflags}:%{?with_x:yes}\n%bcond_with x\n"
        b"echo %{with x}\n%files\n"
    )
    bench.commit("shows", {"shows.spec": spec})

    job = bench.build(
        "shows",
        install={"macros": "%greeting hallo\n%_topdir /nowhere\n", "optflags": "-O7"},
        options={"with_opts": ["x"]},
    )

    assert job.result == "succeeded", bench.log(job)
    assert "is:hallo:-O7" in bench.log(job)


def test_results_are_taken_without_following_links(bench):
    spec = b"""\
Name: tricks
Version: 1
Release: 1
Summary: x
License: MIT
BuildArch: noarch
%description
%install
cd %{_topdir}/RPMS
mkdir noarch
ln -s /etc/passwd noarch/link-1-1.noarch.rpm
mkfifo noarch/fifo-1-1.noarch.rpm
mkdir noarch/directory-1-1.noarch.rpm
ln -s /etc other
touch 'noarch/bad name.rpm' noarch/.hidden.rpm
%files
"""
    bench.commit("tricks", {"tricks.spec": spec})

    job = bench.build("tricks")

    assert job.result == "succeeded", bench.log(job)
    assert set(bench.results(job)) == {"tricks-1-1.noarch.rpm", "tricks-1-1.src.rpm"}


def test_a_file_that_only_claims_to_be_a_package_fails_the_build(bench):
    spec = (
        b"Name: fake\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n"
        b"%description\n%install\nmkdir %{_topdir}/RPMS/noarch\n"
        b"echo no > %{_topdir}/RPMS/noarch/other-1-1.noarch.rpm\n%files\n"
    )
    bench.commit("fake", {"fake.spec": spec})

    job = bench.build("fake")

    assert job.result == "failed"
    assert "RPM package" in job.details


def test_too_many_results_fail_the_build(bench):
    bench.house = replace(
        bench.house, settings=replace(bench.house.settings, result_limit_bytes=1000)
    )
    from builder import worker

    worker.configure(bench.house)
    bench.commit("hello-c", SAMPLES / "hello-c")

    job = bench.build("hello-c")

    assert job.details == "the result files are larger than allowed"
    assert bench.results(job) == []


def test_a_recipe_nobody_can_build_is_broken(bench):
    bench.commit("pkg", {"PKGBUILD": b"x"})

    job = bench.build("pkg", "PKGBUILD")

    assert (job.result, job.details) == ("broken", "no way to build PKGBUILD")


def test_a_job_that_moved_on_is_left_alone(bench):
    bench.commit("hello-c", SAMPLES / "hello-c")
    job = bench.schedule("hello-c")
    with bench.house.records.begin() as unit:
        unit.jobs.transition(job.id, (JobState.DISPATCHING,), JobState.DISPATCHING, attempt=2)

    bench.house.queue.enqueue(job.id, 1, "x86_64")
    bench.house.queue.wait(1)

    assert bench.job(job.id).state is JobState.DISPATCHING
    assert bench.log(job) == ""


def test_an_outcome_is_on_disk_before_it_is_reported(bench):
    bench.commit("hello-c", SAMPLES / "hello-c")
    job = bench.build("hello-c")

    kept = outcome.kept(bench.house.settings.job_dir(job.id, 1))

    assert kept.result == "succeeded"
    assert {b.filename for b in kept.binaries} == set(bench.results(job))
    assert json.dumps([b.header for b in kept.binaries])


def test_an_unreachable_base_root_puts_the_job_back_and_ends_as_broken(bench, tmp_path):
    from builder import worker
    from builder.chroots.bases import BaseSpec
    from builder.chroots.bubblewrap import Bubblewrap

    broken = Bubblewrap("debian", BaseSpec("tarball", source="/nonexistent.tar"), tmp_path / "c")
    bench.house = replace(bench.house, chroots={"debian": broken})
    worker.configure(bench.house)
    bench.commit("hello-c", SAMPLES / "hello-c")

    job = bench.schedule("hello-c")
    bench.house.queue.enqueue(job.id, 1, "x86_64")
    for attempt in range(1, 6):
        bench.house.queue.wait(1)
        job = bench.job(job.id)
        if job.state is JobState.DISPATCHING:
            assert job.attempt == attempt + 1
            bench.house.queue.enqueue(job.id, job.attempt, "x86_64")

    assert (job.state, job.result, job.attempt) == (JobState.FINISHED, "broken", 4)
    assert "tarball cannot be read" in job.details


def test_a_recipe_that_is_not_in_the_sources_is_broken(bench):
    bench.commit("hello-c", SAMPLES / "hello-c")

    job = bench.build("hello-c", "other.spec")

    assert (job.result, job.details) == ("broken", "other.spec is not in the sources")


def test_sources_larger_than_the_root_fail_the_build(bench):
    from builder import worker

    bench.house = replace(
        bench.house, settings=replace(bench.house.settings, disk_limit_bytes=32 << 20)
    )
    worker.configure(bench.house)
    bench.commit("big", {"big.spec": b"Name: big\n", "data.bin": bytes(40 << 20)})

    job = bench.build("big")

    assert (job.result, job.details) == ("failed", "the sources do not fit into the build root")


def test_a_late_result_of_an_earlier_attempt_changes_nothing(bench):
    bench.commit("hello-c", SAMPLES / "hello-c")
    job = bench.schedule("hello-c", state=JobState.BUILDING, attempt=2)

    taken = outcome.report(bench.house, job.id, 1, outcome.Outcome("failed", "late"))

    assert not taken
    assert bench.job(job.id) == job
