"""What several verbs share: settings arguments and output."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TypeAlias

from storage.errors import InvalidInput

from ..settings import Settings, load

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_verb(verbs: Verbs, name: str, summary: str, example: str) -> argparse.ArgumentParser:
    """A sub-command with its one-line help and an example."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def add_house_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that say which house is meant."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="data directory of the house")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings the arguments, the file and the environment give."""
    return load(
        arguments.config,
        data_dir=arguments.data,
        listen=getattr(arguments, "listen", None),
    )


def say(line: str = "") -> None:
    """Print one line of result."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def read_secret(source: str) -> str:
    """The first line of a file, or of standard input for ``-``.

    Raises:
        InvalidInput: Nothing there, or not readable.
    """
    try:
        text = sys.stdin.readline() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"cannot read the password from {source}: {error}") from error
    lines = text.splitlines()
    if not lines or not lines[0]:
        raise InvalidInput("the password is empty", hint="put it on the first line")
    return lines[0]
