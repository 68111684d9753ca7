"""From configuration text to the lines that count: blocks, conditions, expansion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .conditions import Conditions
from .macros import MacroError, Macros

MACROS_START = re.compile(r"\s*macros:[^\n]*", re.IGNORECASE)
MACROS_END = re.compile(r"\s*:macros\s*", re.IGNORECASE)
_BLOCK_START = re.compile(r"\s*macros:\s*", re.IGNORECASE)
_DEFINITION = re.compile(r"\s*%(?:define|global)\s")
_OPENED = re.compile(r"\s*%\{[^{}]*:\s*")


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line; ``block`` marks the verbatim text of a ``Macros:`` section."""

    number: int
    text: str
    block: bool = False


@dataclass(slots=True)
class Reader:
    """Reads a configuration; ``macros`` changes while lines are read."""

    macros: Macros
    error: str = ""
    _conditions: Conditions = field(default_factory=Conditions)

    def read(self, text: str) -> Iterator[Line]:
        """Yield the expanded lines of true branches, and macro blocks as they are."""
        number = 0
        for line in logical_lines(text):
            number = line.number
            if line.block:
                if self._conditions.reading:
                    yield line
            elif (error := self._conditions.take(line.text, self.macros)) is not None:
                if error:
                    self._fail(number, error)
            elif self._conditions.reading and not line.text.lstrip().startswith("#"):
                yield Line(number, self._expanded(line))
        if not self._conditions.reading:
            self._fail(number, "unterminated if/ifarch/ifos statement")

    def _fail(self, number: int, message: str) -> None:
        # The first one is what the user should look at.
        self.error = self.error or f"line {number}: {message}"

    def _expanded(self, line: Line) -> str:
        try:
            # A value that holds a line end cuts the directive there.
            return self.macros.expand(line.text).partition("\n")[0]
        except MacroError as error:
            self._fail(line.number, str(error.args[0]))
            return f"{error.args[1]}MACRO" if len(error.args) > 1 else "MACRO"


def logical_lines(text: str, *, blocks: bool = True) -> Iterator[Line]:
    """Join continued definitions and, in configurations, collect macro blocks."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    index = 0
    while index < len(lines):
        number, line = index + 1, lines[index]
        index += 1
        if blocks and _BLOCK_START.fullmatch(line):
            start = index
            while index < len(lines) and not MACROS_END.fullmatch(lines[index]):
                index += 1
            yield Line(number, "".join(f"{part}\n" for part in lines[start:index]), block=True)
            index += 1
            continue
        start = index
        if _DEFINITION.match(line):
            while index < len(lines) and lines[index - 1].endswith("\\"):
                index += 1
            parts = [part.removesuffix("\\") for part in lines[start - 1 : index - 1]]
            line = "\n".join([*parts, lines[index - 1]])
        elif _OPENED.fullmatch(line):
            depth = _depth(line)
            while index < len(lines) and depth > 0:
                depth += _depth(lines[index])
                index += 1
            line = "\n".join(lines[start - 1 : index])
        yield Line(number, line)


def _depth(line: str) -> int:
    return line.count("{") - line.count("}")
