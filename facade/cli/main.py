"""Parses the command line and runs one verb."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from storage.errors import PackhouseError

from ..logformat import log_to_stderr
from . import admin, serve


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``packhouse``; returns the exit status.

    A mistake of the caller is one line on standard error and status 1.
    """
    arguments = _parser().parse_args(argv)
    log_to_stderr("warning")
    try:
        status: int = arguments.run(arguments)
    except PackhouseError as error:
        sys.stderr.write(f"packhouse: {error.message}\n")
        if error.hint:
            sys.stderr.write(f"  {error.hint}\n")
        return 1
    except BrokenPipeError:
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="packhouse",
        description="A build service in which every package is a Git repository.",
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    serve.add_to(verbs)
    admin.add_to(verbs)
    return parser
