"""``scripts/run``: a house with three packages built, and how to use it."""

import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from contrib.demo import daemon  # noqa: E402
from contrib.demo.clients import PROJECT, USER, Clients, put_all  # noqa: E402

BUILD_TIMEOUT_S = 900
PACKAGES = ("hello-c", "hello-deb", "hello-py")
BROKEN = ("failed", "broken", "unresolvable", "excluded")


def main(arguments: list[str]) -> int:
    directory = ROOT / ".run"
    if arguments == ["--stop"]:
        print("stopped" if daemon.stop(directory) else "no house was running")
        return 0
    if arguments:
        print(__doc__, "usage: scripts/run [--stop]", sep="\n", file=sys.stderr)
        return 2
    began = time.monotonic()
    house = daemon.start(directory)
    print(f"house up at {house.url} after {time.monotonic() - began:.1f} s; building the demo")
    clients = Clients(house)
    put_all(clients)
    states = wait_for_builds(clients)
    print_summary(house, clients, states, time.monotonic() - began)
    return 0 if set(states.values()) == {"succeeded"} else 1


def wait_for_builds(clients: Clients) -> dict[str, str]:
    """Package states once all ended and the repository is published."""
    deadline = time.monotonic() + BUILD_TIMEOUT_S
    shown: dict[str, str] = {}
    while True:
        document = ElementTree.fromstring(clients.osc("results", "--xml", PROJECT))
        states, published = {}, True
        for result in document.iter("result"):
            published = published and result.get("code") in ("published", "unpublished")
            for status in result.iter("status"):
                states[status.get("package")] = status.get("code")
        for package, state in sorted(states.items()):
            if shown.get(package) != state:
                print(f"  {package}: {state}", flush=True)
        shown = states
        ended = all(states.get(p) in ("succeeded", *BROKEN) for p in PACKAGES)
        if (ended and published) or time.monotonic() > deadline:
            return {package: states.get(package, "missing") for package in PACKAGES}
        if any(states.get(p) in BROKEN for p in PACKAGES) and ended:
            return states
        time.sleep(1)


def print_summary(house, clients, states, seconds: float) -> None:
    kib, processes = settled_memory(house)
    chroot = clients.chroot()
    repository, _, _arch = chroot.rpartition("-")
    tree = f"{house.url}/repositories/{PROJECT.replace(':', ':/')}/{repository}"
    label = PROJECT.replace(":", "_")
    built = sum(state == "succeeded" for state in states.values())
    print(f"""
{built} of {len(states)} packages built in {seconds:.0f} s; \
memory of the idle house: {kib / 1024:.0f} MB (PSS of {processes} processes)

  administrator   Admin, password in {house.root / "admin-password"}
  demo account    {USER}, password in {clients.home / "password"}

  osc             osc --config {clients.oscrc} results {PROJECT}
  git             git clone {house.url}/git/{PROJECT}/hello-deb.git
  copr-cli        copr-cli --config {clients.copr_config} list-packages {USER}/demo
  dnf             dnf config-manager --add-repo {tree}/{PROJECT}.repo
  zypper          zypper addrepo {tree}/{PROJECT}.repo
  apt             curl {tree}/Release.key | gpg --dearmor > /etc/apt/keyrings/{label}.gpg
                  echo 'deb [signed-by=/etc/apt/keyrings/{label}.gpg] {tree}/ ./' \
> /etc/apt/sources.list.d/{label}.list

  stop it         scripts/run --stop""")


def settled_memory(house) -> tuple[int, int]:
    """Memory once the workers are idle again: the smallest of a few readings."""
    pid = daemon.state_pid(house.root)
    readings = []
    for _ in range(5):
        time.sleep(0.5)
        readings.append(daemon.memory_kib(pid))
    return min(readings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
