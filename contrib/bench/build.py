"""From a commit to the published repository: what the machinery adds to rpmbuild."""

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
        changed = spec.replace("A one-file C program", f"Round {n}: a one-file C program")
        rounds.append(
            _build(
                admin,
                lambda body=changed: admin.call(
                    "PUT", f"/source/{PROJECT}/hello-c/hello-c.spec", body
                ),
            )
        )
    print(
        f"commit to published, rpmbuild included: best {min(rounds):.2f} s, "
        f"worst {max(rounds):.2f} s of {len(rounds)} (limit without rpmbuild {LIMIT_S:.0f} s)"
    )


def _base_project(admin: Client) -> str:
    names = [entry.get("name") for entry in ElementTree.fromstring(admin.call("GET", "/source"))]
    return next(name for name in names if not name.startswith("home:"))


def _build(admin: Client, commit) -> float:
    """Seconds from the commit until another generation is published."""
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
    return time.monotonic() - began


def _result(admin: Client) -> tuple[str, str]:
    result = ElementTree.fromstring(admin.call("GET", f"/build/{PROJECT}/_result")).find("result")
    status = result.find("status") if result is not None else None
    if result is None or status is None or result.get("dirty") == "true":
        return "", ""
    return result.get("code", ""), status.get("code", "")


def _generation(admin: Client) -> bytes:
    return admin.call(
        "GET", "/repositories/bench:/build/standard/repodata/repomd.xml", want=(200, 404)
    )
