"""``PublishFilter``: patterns of a project's maintainer, tried without trusting them.

A pattern can be made to run for ever on one file name. It runs in a process of
its own that has a deadline; verdicts are remembered.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache

from .base import PublishFailed

_DEADLINE_S = 10.0
_REMEMBERED = 64
_PROGRAM = """
import json, re, sys
patterns, names = json.load(sys.stdin)
compiled = []
for pattern in patterns:
    try:
        compiled.append(re.compile(pattern))
    except (re.error, OverflowError, RecursionError):
        pass
json.dump([any(p.search(name) for p in compiled) for name in names], sys.stdout)
"""


def filtered(patterns: Sequence[str], names: Iterable[str]) -> frozenset[str]:
    """The names that one of the patterns matches anywhere; bad patterns match nothing.

    Raises:
        PublishFailed: The patterns take too long.
    """
    wanted = tuple(sorted(set(names)))
    if not patterns or not wanted:
        return frozenset()
    return _matches(tuple(patterns), wanted)


@lru_cache(_REMEMBERED)
def _matches(patterns: tuple[str, ...], names: tuple[str, ...]) -> frozenset[str]:
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            input=json.dumps([patterns, names]),
            capture_output=True,
            text=True,
            timeout=_DEADLINE_S,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise PublishFailed("the patterns of PublishFilter take too long") from error
    except subprocess.CalledProcessError as error:
        raise PublishFailed("the patterns of PublishFilter cannot be tried") from error
    verdicts = json.loads(done.stdout)
    return frozenset(name for name, hit in zip(names, verdicts, strict=True) if hit)
