"""Run the benchmarks: python -m contrib.bench [--quick] [requests large gitwire build torture]."""

import argparse
from pathlib import Path

from contrib.bench import build, gitwire, large, requests, torture
from contrib.bench.house import running

PARTS = {
    "requests": requests.run,
    "large": large.run,
    "gitwire": gitwire.run,
    "build": build.run,
    "torture": torture.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {' '.join(PARTS)}; default all")
    parser.add_argument("--quick", action="store_true", help="a tenth of the full size")
    parser.add_argument("--cache", type=Path, help="keep base roots and layers here")
    arguments = parser.parse_args()
    for name in arguments.parts or PARTS:
        print(f"--- {name}", flush=True)
        workers = 1 if name == "build" else 0
        with running(build_workers=workers, cache=arguments.cache) as house:
            PARTS[name](house, 0.1 if arguments.quick else 1.0)


if __name__ == "__main__":
    main()
