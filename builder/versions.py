"""Version comparison as rpm and dpkg do it, and versioned dependency matching.

Both orders are total over any text: hostile versions compare, they never fail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

BinaryType = Literal["rpm", "deb"]

_RPM_TOKEN = re.compile(r"[a-zA-Z]+|[0-9]+|~|\^")
_OPERATOR = re.compile(r"<=|>=|<<|>>|<|>|==|=")
_OPERATORS = {"<<": "<", ">>": ">", "==": "="}


@dataclass(frozen=True, slots=True)
class Evr:
    """Epoch, version and release; an empty release was not given."""

    epoch: str
    version: str
    release: str

    @classmethod
    def parse(cls, text: str) -> Evr:
        """Split ``[epoch:]version[-release]``; a missing epoch is ``0``."""
        epoch, colon, rest = text.partition(":")
        if not colon or not epoch.isdigit():
            epoch, rest = "0", text
        version, dash, release = rest.rpartition("-")
        if not dash:
            version, release = rest, ""
        return cls(epoch, version, release)


@dataclass(frozen=True, slots=True)
class Dependency:
    """``name op version``; without a condition both are empty."""

    name: str
    operator: str = ""
    version: str = ""

    @classmethod
    def parse(cls, text: str) -> Dependency:
        """Split one dependency text; Debian's ``>>`` and ``<<`` become ``>`` and ``<``."""
        text = text.strip()
        if (match := _OPERATOR.search(text, 1)) is None or match.end() == len(text):
            return cls(text)
        operator = _OPERATORS.get(match[0], match[0])
        return cls(text[: match.start()].rstrip(), operator, text[match.end() :].lstrip())

    def __str__(self) -> str:
        """The text form, with single blanks."""
        return f"{self.name} {self.operator} {self.version}" if self.operator else self.name


def compare_rpm(left: str, right: str) -> int:
    """Compare two version or release parts by rpm's rules; -1, 0 or 1."""
    if left == right:
        return 0
    a, b = _RPM_TOKEN.findall(left), _RPM_TOKEN.findall(right)
    for one, two in zip(a, b, strict=False):
        if order := _compare_rpm_tokens(one, two):
            return order
    if len(a) == len(b):
        return 0
    longer, sign = (a, 1) if len(a) > len(b) else (b, -1)
    return -sign if longer[min(len(a), len(b))] == "~" else sign


def _compare_rpm_tokens(one: str, two: str) -> int:
    if one == two:
        return 0
    # A tilde sorts before everything, a caret before every ordinary segment.
    for mark in "~^":
        if mark in (one, two):
            return -1 if one == mark else 1
    if one.isdigit() != two.isdigit():
        return 1 if one.isdigit() else -1
    if one.isdigit():
        return _compare_digits(one, two)
    return -1 if one < two else 1


def _compare_digits(one: str, two: str) -> int:
    # As text: Python refuses to convert numbers of thousands of digits.
    one, two = one.lstrip("0"), two.lstrip("0")
    key_one, key_two = (len(one), one), (len(two), two)
    return (key_one > key_two) - (key_one < key_two)


def compare_deb(left: str, right: str) -> int:
    """Compare two upstream versions or revisions by dpkg's rules; -1, 0 or 1."""
    i = j = 0
    while i < len(left) or j < len(right):
        while (i < len(left) and not _is_digit(left[i])) or (
            j < len(right) and not _is_digit(right[j])
        ):
            one, two = _deb_order(left, i), _deb_order(right, j)
            if one != two:
                return -1 if one < two else 1
            i, j = i + 1, j + 1
        end_i, end_j = _digits_end(left, i), _digits_end(right, j)
        if order := _compare_digits(left[i:end_i], right[j:end_j]):
            return order
        i, j = end_i, end_j
    return 0


def _is_digit(char: str) -> bool:
    return "0" <= char <= "9"


def _digits_end(text: str, start: int) -> int:
    while start < len(text) and _is_digit(text[start]):
        start += 1
    return start


def _deb_order(text: str, index: int) -> int:
    if index >= len(text) or _is_digit(text[index]):
        return 0
    char = text[index]
    if char == "~":
        return -1
    return ord(char) if char.isascii() and char.isalpha() else ord(char) + 256


def compare_evr(left: str, right: str, kind: BinaryType = "rpm") -> int:
    """Compare whole ``epoch:version-release`` texts.

    For rpm the release counts only when both sides have one; for Debian packages a
    missing revision is the lowest one.
    """
    one, two = Evr.parse(left), Evr.parse(right)
    compare = compare_rpm if kind == "rpm" else compare_deb
    if order := _compare_digits(one.epoch, two.epoch):
        return order
    if order := compare(one.version, two.version):
        return order
    if kind == "rpm" and not (one.release and two.release):
        return 0
    return compare(one.release, two.release)


def satisfies(provided: Dependency, wanted: Dependency, kind: BinaryType = "rpm") -> bool:
    """Whether a provide of the same name meets a requirement.

    A provide without version meets any condition for rpm and none for Debian.
    """
    if not wanted.operator:
        return True
    if not provided.operator:
        return kind == "rpm"
    order = compare_evr(provided.version, wanted.version, kind)
    if order < 0:
        return ">" in provided.operator or "<" in wanted.operator
    if order > 0:
        return "<" in provided.operator or ">" in wanted.operator
    return bool(set(provided.operator) & set(wanted.operator))
