"""``packhouse serve``."""

from __future__ import annotations

import argparse

from ..serve import ROLES, serve
from .common import Verbs, add_house_arguments, add_verb, settings_of


def add_to(verbs: Verbs) -> None:
    """Register the verb."""
    parser = add_verb(
        verbs,
        "serve",
        "run a house until it is told to stop",
        "packhouse serve --data /srv/packhouse --listen 127.0.0.1:8000",
    )
    add_house_arguments(parser)
    parser.add_argument("--listen", metavar="HOST:PORT", help="where to serve HTTP")
    parser.add_argument(
        "--only",
        action="append",
        choices=ROLES,
        help="run only this part; may be given several times",
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    serve(settings_of(arguments), frozenset(arguments.only or ROLES))
    return 0
