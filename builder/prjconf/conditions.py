"""``%if`` and its relatives: which lines are read at all."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .expressions import ExpressionError, evaluate, is_true
from .macros import LIMIT_MESSAGES, MacroError, Macros

_CONDITION = re.compile(
    r"\s*%(ifarch|ifnarch|ifos|ifnos|if|elifarch|elifos|elif|else|endif)(?![a-zA-Z0-9_])(.*)",
    re.DOTALL,
)

_DEPTH_LIMIT = 1000


@dataclass(slots=True)
class _Branch:
    """One open ``%if``: whether this branch, and any branch so far, was taken."""

    active: bool
    taken: bool


@dataclass(slots=True)
class Conditions:
    """The open conditions around the current line."""

    _branches: list[_Branch] = field(default_factory=list)
    _closed: int = 0  # branches that are not active: reading needs none

    @property
    def reading(self) -> bool:
        """Whether the current line counts."""
        return self._closed == 0

    def take(self, text: str, macros: Macros) -> str | None:
        """Handle a line if it is a condition.

        Returns:
            None for an ordinary line; else the error, empty if there was none.
        """
        match = _CONDITION.match(text) if "%" in text else None
        if match is None:
            return None
        try:
            self._take(match[1], match[2], macros)
        except (MacroError, ExpressionError) as error:
            if len(self._branches) < _DEPTH_LIMIT:
                self._push(active=False, taken=False)
            return str(error.args[0])
        return ""

    def _take(self, word: str, argument: str, macros: Macros) -> None:
        if word == "endif":
            self._pop()
        elif not word.startswith("el"):
            active = self.reading and _holds(word, argument, macros)
            self._push(active=active, taken=active)
        elif (branch := self._pop()) is not None:
            wanted = not branch.taken and self.reading
            active = wanted and (word == "else" or _holds(word[2:], argument, macros))
            self._push(active=active, taken=branch.taken or active)

    def _push(self, *, active: bool, taken: bool) -> None:
        if len(self._branches) >= _DEPTH_LIMIT:
            raise MacroError(LIMIT_MESSAGES[0])
        self._branches.append(_Branch(active, taken))
        self._closed += not active

    def _pop(self) -> _Branch | None:
        if not self._branches:
            return None
        branch = self._branches.pop()
        self._closed -= not branch.active
        return branch


def _holds(word: str, argument: str, macros: Macros) -> bool:
    text = macros.expand(argument)
    if word != "if":
        actual = macros.get("_target_cpu" if word.endswith("arch") else "_target_os")
        found = actual is not None and actual.body in text.split()
        return found != word.startswith("ifn")
    return bool(text.strip()) and is_true(evaluate(text))
