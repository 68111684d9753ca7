"""One large file in and out: seconds and memory."""

import hashlib
import os
import tempfile
import time

from contrib.bench.house import BenchHouse

LIMIT_MIB = 64


def run(house: BenchHouse, scale: float) -> None:
    """Print time and memory of a PUT and a GET of 1 GiB (at full scale)."""
    size_mib = max(64, int(1024 * scale))
    admin = house.client()
    admin.make_project("large")
    admin.make_package("large", "p")
    admin.call("GET", "/source/large/p")
    with tempfile.TemporaryFile() as file:
        block = os.urandom(1 << 20)
        digest = hashlib.md5()
        for n in range(size_mib):
            piece = n.to_bytes(8, "big") + block[8:]
            file.write(piece)
            digest.update(piece)
        file.seek(0)
        idle = house.rss_mib("VmRSS")
        house.reset_peaks()
        began = time.monotonic()
        admin.call("PUT", "/source/large/p/big.tar", file)
        put_s, put_peak = time.monotonic() - began, house.rss_mib("VmHWM")
    house.reset_peaks()
    began = time.monotonic()
    size = admin.download("/source/large/p/big.tar")
    get_s, get_peak = time.monotonic() - began, house.rss_mib("VmHWM")
    if size != size_mib << 20:
        raise SystemExit(f"got {size} bytes back")
    if digest.hexdigest().encode() not in admin.call("GET", "/source/large/p"):
        raise SystemExit("the listing has another md5")
    for verb, seconds, peak in (("PUT", put_s, put_peak), ("GET", get_s, get_peak)):
        print(
            f"{verb} {size_mib} MiB: {seconds:6.1f} s, {size_mib / seconds:5.0f} MiB/s, peak RSS "
            f"{_growth(idle, peak):+.0f} MiB over idle (limit {LIMIT_MIB})"
        )


def _growth(idle: dict[int, float], peak: dict[int, float]) -> float:
    """Of the process that grew most; one that is new counts from nothing."""
    return max(size - idle.get(pid, 0.0) for pid, size in peak.items())
