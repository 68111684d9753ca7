"""From configuration text to the lines that count: blocks, conditions, expansion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .expressions import ExpressionError, evaluate, is_true
from .macros import MacroError, Macros

MACROS_START = re.compile(r"\s*macros:[^\n]*", re.IGNORECASE)
MACROS_END = re.compile(r"\s*:macros\s*", re.IGNORECASE)
_BLOCK_START = re.compile(r"\s*macros:\s*", re.IGNORECASE)
_CONDITION = re.compile(
    r"\s*%(ifarch|ifnarch|ifos|ifnos|if|elifarch|elifos|elif|else|endif)(?![a-zA-Z0-9_])(.*)",
    re.DOTALL,
)
_DEFINITION = re.compile(r"\s*%(?:define|global)\s")
_OPENED = re.compile(r"\s*%\{[^{}]*:\s*")


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line; ``block`` marks the verbatim text of a ``Macros:`` section."""

    number: int
    text: str
    block: bool = False


@dataclass(slots=True)
class _Branch:
    """One open ``%if``: whether this branch, and any branch so far, was taken."""

    active: bool
    taken: bool


@dataclass(slots=True)
class Reader:
    """Reads a configuration; ``macros`` changes while lines are read."""

    macros: Macros
    error: str = ""
    _branches: list[_Branch] = field(default_factory=list)

    def read(self, text: str) -> Iterator[Line]:
        """Yield the expanded lines of true branches, and macro blocks as they are."""
        number = 0
        for line in _logical_lines(text):
            number = line.number
            if line.block:
                if self._reading:
                    yield line
            elif match := _CONDITION.match(line.text):
                self._condition(line.number, match[1], match[2])
            elif self._reading and not line.text.lstrip().startswith("#"):
                yield Line(line.number, self._expanded(line))
        if not self._reading:
            self._fail(number, "unterminated if/ifarch/ifos statement")

    @property
    def _reading(self) -> bool:
        return all(branch.active for branch in self._branches)

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

    def _condition(self, number: int, word: str, argument: str) -> None:
        if word == "endif":
            if self._branches:
                self._branches.pop()
            return
        if word.startswith("el"):
            if not self._branches:
                return
            branch = self._branches.pop()
            wanted = not branch.taken and self._reading
            active = wanted and (word == "else" or self._test(number, word[2:], argument))
            self._branches.append(_Branch(active, branch.taken or active))
            return
        active = self._reading and self._test(number, word, argument)
        self._branches.append(_Branch(active, active))

    def _test(self, number: int, word: str, argument: str) -> bool:
        try:
            text = self.macros.expand(argument)
            if word != "if":
                actual = self.macros.get("_target_cpu" if word.endswith("arch") else "_target_os")
                found = actual is not None and actual.body in text.split()
                return found != word.startswith("ifn")
            return bool(text.strip()) and is_true(evaluate(text))
        except (MacroError, ExpressionError) as error:
            self._fail(number, str(error.args[0]))
            return False


def _logical_lines(text: str) -> Iterator[Line]:
    """Join continued definitions and collect macro blocks."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    index = 0
    while index < len(lines):
        number, line = index + 1, lines[index]
        index += 1
        if _BLOCK_START.fullmatch(line):
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
