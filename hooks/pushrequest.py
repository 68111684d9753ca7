"""What a ``git push`` asks for: ref commands, capabilities, options.

Parsed from packet lines of a stranger, so everything is counted and measured.
The pack, if any, follows in the same stream and is not touched here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from storage.errors import InvalidContent, TooLarge
from storage.git.pktline import Reader, Special, read_packet

_NO_OBJECT = "0" * 40
_COMMAND = re.compile(r"([0-9a-f]{40}) ([0-9a-f]{40}) (\S+)")
_SHALLOW = re.compile(r"shallow [0-9a-f]{40}")
_MOST_COMMANDS = 1000
_MOST_SHALLOW = 10_000
_MOST_OPTIONS = 50
_OPTION_BYTES = 1024

CAPABILITIES = (
    "report-status",
    "delete-refs",
    "side-band-64k",
    "atomic",
    "ofs-delta",
    "quiet",
    "push-options",
    "object-format=sha1",
    "agent=packhouse",
)
"""What the server offers to pushing clients."""


@dataclass(frozen=True, slots=True)
class RefCommand:
    """One ref to be changed.

    Attributes:
        ref: Full name.
        old: What the client believes it names, None = nothing.
        new: What it shall name, None = delete it.
    """

    ref: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class PushRequest:
    """Everything before the pack.

    Attributes:
        commands: Distinct refs, in the client's order; none for a connection test.
        capabilities: What the client chose.
        options: Values of ``git push -o``.
    """

    commands: tuple[RefCommand, ...]
    capabilities: frozenset[str] = frozenset()
    options: tuple[str, ...] = ()

    @property
    def brings_pack(self) -> bool:
        """Whether a pack follows: clients send none when they only delete."""
        return any(command.new is not None for command in self.commands)


def read_push_request(source: Reader) -> PushRequest:
    """Read up to the pack.

    Raises:
        InvalidContent: Malformed, or in need of something that was not offered.
        TooLarge: Too many commands or options.
    """
    commands: list[RefCommand] = []
    capabilities: frozenset[str] = frozenset()
    shallow = 0
    while (line := _line(source)) is not None:
        text, zero, words = line.partition("\0")
        if zero and not commands:
            capabilities = frozenset(words.split())
        if _SHALLOW.fullmatch(text):
            shallow += 1
        else:
            commands.append(_command(text))
        if len(commands) > _MOST_COMMANDS or shallow > _MOST_SHALLOW:
            raise TooLarge(f"more than {_MOST_COMMANDS} refs in one push")
    _check(commands, capabilities)
    options = _options(source) if "push-options" in capabilities else ()
    return PushRequest(tuple(commands), capabilities, options)


def _check(commands: list[RefCommand], capabilities: frozenset[str]) -> None:
    refs = [command.ref for command in commands]
    if len(set(refs)) != len(refs):
        raise InvalidContent("a ref is named twice in one push")
    formats = {word for word in capabilities if word.startswith("object-format=")}
    if formats - {"object-format=sha1"}:
        raise InvalidContent("only SHA-1 repositories are kept here")


def _command(text: str) -> RefCommand:
    match = _COMMAND.fullmatch(text)
    if match is None:
        raise InvalidContent("a line of the push request is malformed")
    old, new = (None if oid == _NO_OBJECT else oid for oid in match.group(1, 2))
    if old is None and new is None:
        raise InvalidContent("a ref would be deleted that is not there")
    return RefCommand(match[3], old, new)


def _options(source: Reader) -> tuple[str, ...]:
    options: list[str] = []
    while (line := _line(source)) is not None:
        options.append(line)
        if len(options) > _MOST_OPTIONS or len(line) > _OPTION_BYTES:
            raise TooLarge("too many or too long push options")
    return tuple(options)


def _line(source: Reader) -> str | None:
    """One line without its end; None at a flush or the end of the request."""
    payload = read_packet(source)
    if payload is None or isinstance(payload, Special):
        return None
    try:
        return payload.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise InvalidContent("a ref name is not UTF-8") from None
