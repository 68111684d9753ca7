"""From a commit to the published repository: what the machinery adds to rpmbuild."""

import re
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from contrib.bench.house import BenchHouse, Client

SAMPLE = Path(__file__).resolve().parent.parent / "examples" / "hello-c"
PROJECT = "bench:build"
LIMIT_S = 1.0


def run(house: BenchHouse, scale: float) -> None:
    """Print commit-to-published seconds of the C sample on a warm layer."""
    admin = house.client()
    base = _base_project(admin)
    repository = (
        f'<repository name="standard"><path project="{base}" repository="standard"/>'
        "<arch>x86_64</arch></repository>"
    )
    admin.make_project(PROJECT, repository)
    admin.make_package(PROJECT, "hello-c")
    for path in sorted(SAMPLE.iterdir()):
        admin.call("PUT", f"/source/{PROJECT}/hello-c/{path.name}?rev=upload", path.read_bytes())
    _build(admin, lambda: admin.call("POST", f"/source/{PROJECT}/hello-c?cmd=commit"))
    spec = (SAMPLE / "hello-c.spec").read_text()
    rounds = []
    for n in range(max(2, int(5 * scale))):
        changed = spec.replace("Release:        1", f"Release:        {n + 2}")
        rounds.append(
            _build(
                admin,
                lambda body=changed: admin.call(
                    "PUT", f"/source/{PROJECT}/hello-c/hello-c.spec", body
                ),
            )
        )
    total, inside = min(rounds, key=lambda pair: pair[0] - pair[1])
    print(
        f"commit to published: {total:.2f} s, rpmbuild {inside:.2f} s, "
        f"machinery {total - inside:.2f} s (limit {LIMIT_S:.0f} s)"
    )


def _base_project(admin: Client) -> str:
    names = [entry.get("name") for entry in ElementTree.fromstring(admin.call("GET", "/source"))]
    return next(name for name in names if not name.startswith("home:"))


def _build(admin: Client, commit) -> tuple[float, float]:
    """(seconds from commit to published, seconds of rpmbuild by its log)."""
    before = _generation(admin)
    began = time.monotonic()
    commit()
    while True:
        code, status = _result(admin)
        if status in ("failed", "broken", "unresolvable"):
            raise SystemExit(f"the sample is {status}")
        if code == "published" and status == "succeeded" and _generation(admin) != before:
            break
        if time.monotonic() - began > 600:
            raise SystemExit(f"still {code}, {status}")
        time.sleep(0.02)
    seconds = time.monotonic() - began
    log = admin.call("GET", f"/build/{PROJECT}/standard/x86_64/hello-c/_log?nostream=1").decode()
    found = re.search(r"rpmbuild took ([0-9.]+) s", log)
    return seconds, float(found.group(1)) if found else 0.0


def _result(admin: Client) -> tuple[str, str]:
    result = ElementTree.fromstring(admin.call("GET", f"/build/{PROJECT}/_result")).find("result")
    status = result.find("status") if result is not None else None
    if result is None or status is None:
        return "", ""
    return result.get("code", ""), status.get("code", "")


def _generation(admin: Client) -> bytes:
    return admin.call(
        "GET", "/repositories/bench:/build/standard/repodata/repomd.xml", want=(200, 404)
    )
