"""A disk without space: the caller is told so, nothing is kept, reading goes on."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.facade.houses import Street, status_of
from tests.support import need

_MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    need.root()
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], check=False
    )
    if done.returncode:
        pytest.skip("cannot mount a tmpfs here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_an_upload_that_does_not_fit_leaves_no_trace(small_disk: Path) -> None:
    street = Street(small_disk / "data")
    street.project("Base")
    street.package("Base", "p")
    street.file("Base/p/kept", "kept")
    url = "/source/Base/p"
    before = street.admin.get(url).data
    free = os.statvfs(small_disk).f_bavail
    for rev in ("", "?rev=upload", "?rev=repository"):
        response = street.admin.put(f"{url}/big{rev}", os.urandom(32 * _MIB))
        assert status_of(response)[:2] == (507, "storage_full")
    assert street.admin.get(url).data == before
    assert street.admin.get(f"{url}/kept").data == b"kept"
    assert os.statvfs(small_disk).f_bavail == free
    assert street.admin.put(f"{url}/small", "x").status_code == 200
    street.close()


def test_a_disk_filled_to_the_brim_still_reads(small_disk: Path) -> None:
    street = Street(small_disk / "data")
    street.project("Base")
    street.package("Base", "p")
    street.file("Base/p/kept", "kept")
    _fill(small_disk / "ballast")
    for method, path, body in (
        ("PUT", "/source/Base/p/f", os.urandom(100_000)),
        ("PUT", "/source/Base/p/f?rev=upload", os.urandom(100_000)),
        ("PUT", "/source/Base/_config", b"#" + os.urandom(100_000).hex().encode()),
    ):
        response = street.admin.call(method, path, body)
        assert status_of(response)[:2] == (507, "storage_full"), path
    assert street.admin.get("/source/Base/p/kept").data == b"kept"
    assert len(street.admin.xml("/source/Base/p")) == 1
    (small_disk / "ballast").unlink()
    street.file("Base/p/f", "fits again")
    assert street.admin.xml("/source/Base/p").get("rev") == "2"
    street.close()


def _fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as ballast:
        for size in (_MIB, 4096):
            try:
                while True:
                    ballast.write(b"\0" * size)
            except OSError:
                continue
