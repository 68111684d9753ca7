"""Macros of a project configuration: definition and bounded expansion.

The rules are those of the OBS configuration language, a subset of rpm's. No
command is ever run: ``%(...)`` is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .expressions import ExpressionError, evaluate, is_true, render

_NAME = re.compile(r"[!?]*(?:[a-zA-Z_][a-zA-Z0-9_]*|[0-9]+|\*\*?|#|-[a-zA-Z]\*?)")
_DEFINITION = re.compile(r"\s*([a-zA-Z_][a-zA-Z0-9_]*)(\([^)\n]*\))?[ \t]*(.*)", re.DOTALL)
_BRACES = re.compile(r"[{}]")
_BRACKETS = re.compile(r"[\[\]]")
_PARENTHESES = re.compile(r"[()]")
_LINE_LIMIT = 1000
"""Expansions in one line."""
_TOTAL_LIMIT = 200_000
"""Expansions in one configuration; long lines cost more."""
_TEXT_LIMIT = 1 << 16
"""Characters one line may grow to."""
_CALL_DEPTH = 20


LIMIT_MESSAGES = ("macro too deeply nested", "too many macros")
"""What is said when a limit was reached, not the syntax broken."""


class MacroError(ValueError):
    """A line cannot be expanded."""


@dataclass(frozen=True, slots=True)
class Macro:
    """One definition; ``options`` is None for a macro without arguments."""

    body: str
    options: str | None = None


Builtin = Callable[["Macros", str], str]
"""A built-in macro: the table and its expanded argument to its text."""


class Macros:
    """A table of macros and the expansion of text with it."""

    builtins: Mapping[str, Builtin] = {}

    def __init__(
        self, defined: Mapping[str, str] | None = None, *, limit: int = _TOTAL_LIMIT
    ) -> None:
        """Start with plain macros; ``limit`` bounds all expansions together."""
        self._table = {name: Macro(body) for name, body in (defined or {}).items()}
        self._limit = limit
        self._spent = 0

    def define(self, name: str, body: str, options: str | None = None) -> None:
        """Set a macro, replacing an earlier one."""
        self._table[name] = Macro(body, options)

    def get(self, name: str) -> Macro | None:
        """The definition of that name, or None."""
        return self._table.get(name)

    def take(self, other: Macros) -> None:
        """Define everything another table defines."""
        self._table.update(other._table)

    def undefine(self, name: str) -> None:
        """Forget a macro."""
        self._table.pop(name, None)

    def shell(self, text: str) -> str:
        """What stands for ``%(text)``; no command is ever run.

        Raises:
            MacroError: Always, in a configuration.
        """
        raise MacroError("cannot expand %(...)")

    def lua(self, text: str) -> str:
        """What stands for ``%{lua:...}``: itself."""
        return text

    def expand(self, line: str) -> str:
        """Expand one line; a ``%define`` in it takes effect and disappears.

        Raises:
            MacroError: ``%(...)``, endless recursion, an unclosed brace or a bad expression;
                the error's second argument is the part of the line before it.
        """
        return _Expansion(self).run(line)

    def spend(self, length: int) -> None:
        """Count one expansion in a text of ``length`` characters.

        Raises:
            MacroError: The whole configuration needs too many.
        """
        self._spent += 1 + length // 256
        if self._spent > self._limit:
            raise MacroError(LIMIT_MESSAGES[1])


class _Expansion:
    """One line being expanded: results are read again, so the count is the bound."""

    def __init__(
        self, macros: Macros, local: Mapping[str, str] | None = None, depth: int = 0
    ) -> None:
        self._macros = macros
        self._local = local or {}
        self._depth = depth
        self._count = 0
        self._size = 0

    def run(self, line: str) -> str:
        done: list[str] = []
        rest = line
        while (at := rest.find("%")) >= 0:
            done.append(rest[:at])
            self._size += at
            try:
                self._tick(rest)
                final, rest = self._one(rest, at)
            except (MacroError, ExpressionError) as error:
                raise MacroError(str(error.args[0]), "".join(done)) from error
            done.append(final)
        done.append(rest)
        return "".join(done)

    def _tick(self, rest: str) -> None:
        self._macros.spend(len(rest))
        self._count += 1
        too_long = len(rest) > _TEXT_LIMIT or self._size > _TEXT_LIMIT
        if too_long or self._count > _LINE_LIMIT or self._depth > _CALL_DEPTH:
            raise MacroError(LIMIT_MESSAGES[0])

    def _one(self, text: str, at: int) -> tuple[str, str]:
        """Handle the ``%`` at ``at``: finished text, and what is still to be read."""
        follower = text[at + 1 : at + 2]
        if follower == "%":
            return "%", text[at + 2 :]
        if follower == "(":
            end = _closing(text, at + 1, _PARENTHESES)
            return self._macros.shell(text[at + 2 : end]), text[end + 1 :]
        if follower == "[":
            end = _closing(text, at + 1, _BRACKETS)
            value = evaluate(self._nested(text[at + 2 : end]))
            return render(value), text[end + 1 :]
        if follower == "{":
            end = _closing(text, at + 1, _BRACES)
            return self._braced(text[at : end + 1], text[at + 2 : end], text[end + 1 :])
        if match := _NAME.match(text, at + 1):
            return self._plain(match[0], text[at : match.end()], text[match.end() :])
        return "%", text[at + 1 :]

    def _nested(self, text: str) -> str:
        inner = _Expansion(self._macros, self._local, self._depth + 1)
        return inner.run(text)

    def _plain(self, word: str, original: str, rest: str) -> tuple[str, str]:
        """``%name`` without braces; built-in and parametric ones take the rest of the line."""
        name = word.lstrip("!?")
        if name in ("define", "global"):
            return "", self._define(name, rest)
        if name == "dnl":
            return "", ""
        if name == word and (builtin := self._macros.builtins.get(name)):
            return builtin(self._macros, self._nested(rest).strip()), ""
        macro = self._macros.get(name)
        if name == word and macro is not None and macro.options is not None:
            line, newline, more = rest.partition("\n")
            return self._call(name, macro, line), newline + more
        return self._value(word, name, None, original, rest)

    def _braced(self, original: str, inside: str, rest: str) -> tuple[str, str]:
        match = _NAME.match(inside)
        if match is None:
            return original, rest
        word, argument = match[0], inside[match.end() :]
        name = word.lstrip("!?")
        if name == "expand" and argument.startswith(":"):
            return "", self._nested(argument[1:]) + rest
        if name == "lua" and argument.startswith(":"):
            return self._macros.lua(original), rest
        if name in ("define", "global"):
            return self._define(name, argument), rest
        if name == "dnl":
            return "", rest
        if name == word and (builtin := self._macros.builtins.get(name)):
            return builtin(self._macros, self._nested(argument[1:]).strip()), rest
        macro = self._macros.get(name)
        if name == word and macro is not None and macro.options is not None:
            return self._call(name, macro, argument[1:]), rest
        if argument and not argument.startswith(":"):
            return original, rest
        return self._value(word, name, argument[1:] if argument else None, original, rest)

    def _value(
        self, word: str, name: str, text: str | None, original: str, rest: str
    ) -> tuple[str, str]:
        """A macro without arguments, or a condition on one."""
        value = self._lookup(name)
        if name.startswith("-"):
            given = (value is not None) != word.startswith("!")
            return "", ((value or "") if text is None else text) * given + rest
        if name == word:
            return ("", value + rest) if value is not None else (original, rest)
        marks = word[: len(word) - len(name)]
        if "?" not in marks:
            return (original, rest) if value is None else ("", value + rest)
        negated = marks.count("!") % 2 == 1
        if (value is not None) == negated:
            return "", rest
        if text is not None:
            return "", text + rest
        return "", ("" if negated else value or "") + rest

    def _lookup(self, name: str) -> str | None:
        if name in self._local:
            return self._local[name]
        macro = self._macros.get(name)
        return None if macro is None else macro.body

    def _define(self, word: str, text: str) -> str:
        """Take a definition; it owns the rest of the line."""
        if match := _DEFINITION.fullmatch(text):
            name, options, body = match.groups()
            if word == "global":
                body = self._nested(body)
            self._macros.define(name, body, options[1:-1] if options else None)
        return ""

    def _call(self, name: str, macro: Macro, argument: str) -> str:
        local = _arguments(name, macro.options or "", self._nested(argument))
        return _Expansion(self._macros, local, self._depth + 1).run(macro.body)


def _closing(text: str, start: int, pair: re.Pattern[str]) -> int:
    depth = 0
    for match in pair.finditer(text, start):
        depth += 1 if match[0] in "{[(" else -1
        if depth == 0:
            return match.start()
    raise MacroError("unterminated macro")


def _arguments(name: str, options: str, text: str) -> dict[str, str]:
    """The local macros of one call: ``%0 %1 %* %** %# %{-x} %{-x*}``."""
    words, plain = text.split(), list[str]()
    local = {"0": name, "**": " ".join(words)}
    while words:
        word = words.pop(0)
        letter = word[1:2]
        if word.startswith("-") and letter.isalpha() and letter in options:
            value = ""
            if options[options.index(letter) + 1 :].startswith(":"):
                value = word[2:] or (words.pop(0) if words else "")
            local[f"-{letter}"] = f"{word[:2]} {value}".rstrip()
            local[f"-{letter}*"] = value
        elif word == "--":
            plain += words
            break
        else:
            plain.append(word)
    local["*"], local["#"] = " ".join(plain), str(len(plain))
    local.update((str(number), word) for number, word in enumerate(plain, 1))
    return local


def _flag(value: bool) -> str:
    return "1" if value else "0"


def _bcond(macros: Macros, text: str, *, default: bool) -> str:
    """Set ``with_NAME`` unless the opposite was asked for."""
    name = text.split(None, 1)[0] if text else ""
    opposite = f"_without_{name}" if default else f"_with_{name}"
    if name and default != (macros.get(opposite) is not None):
        macros.define(f"with_{name}", "1")
    return ""


def _bcond_expression(macros: Macros, text: str) -> str:
    name, _, expression = text.partition(" ")
    return _bcond(macros, name, default=is_true(evaluate(expression or "0")))


def _suffix(_macros: Macros, text: str) -> str:
    _, dot, end = text.rpartition(".")
    return end if dot else ""


def _dirname(_macros: Macros, text: str) -> str:
    return text.rpartition("/")[0] if "/" in text else text


BUILTINS: dict[str, Builtin] = {
    "expr": lambda _, text: render(evaluate(text)),
    "basename": lambda _, text: text.rpartition("/")[2],
    "dirname": _dirname,
    "suffix": _suffix,
    "quote": lambda _, text: text,
    "shrink": lambda _, text: " ".join(text.split()),
    "span": lambda _, text: text,
    "with": lambda macros, text: _flag(macros.get(f"with_{text}") is not None),
    "without": lambda macros, text: _flag(macros.get(f"with_{text}") is None),
    "defined": lambda macros, text: _flag(macros.get(text) is not None),
    "undefined": lambda macros, text: _flag(macros.get(text) is None),
    "bcond": _bcond_expression,
    "bcond_with": lambda macros, text: _bcond(macros, text, default=False),
    "bcond_without": lambda macros, text: _bcond(macros, text, default=True),
}
Macros.builtins = BUILTINS


FAMILIES: dict[str, str] = {
    "ix86": "i386 i486 i586 i686 pentium3 pentium4 athlon geode",
    "arm": "armv3l armv4b armv4l armv4tl armv5tel armv5tejl armv6l armv6hl armv7l armv7hl "
    "armv7hnl armv8l armv8hl armv8hnl armv8hcnl",
    "arml": "armv3l armv4l armv5tel armv6l armv6hl armv7l armv7hl armv7hnl",
    "arm32": "armv3l armv4b armv4l armv4tl armv5tel armv5tejl armv6l armv6hl armv7l armv7hl",
    "armb": "armv4b",
    "arm64": "aarch64",
    "mips32": "mips mipsel mipsr6 mipsr6el",
    "mips64": "mips64 mips64el mips64r6 mips64r6el",
    "mipseb": "mips mipsr6 mips64 mips64r6",
    "mipsel": "mipsel mipsr6el mips64el mips64r6el",
    "mips": "mips mipsel mipsr6 mipsr6el mips64 mips64el mips64r6 mips64r6el",
    "sparc": "sparc sparcv8 sparcv9 sparcv9v sparc64 sparc64v",
    "alpha": "alpha alphaev56 alphaev6 alphaev67",
    "power64": "ppc64 ppc64p7 ppc64le",
    "riscv32": "riscv32",
    "riscv64": "riscv64",
    "riscv128": "riscv128",
    "riscv": "riscv32 riscv64 riscv128",
    "x86_64": "x86_64 x86_64_v2 x86_64_v3 x86_64_v4",
}
"""Architecture families every configuration and spec knows."""


def predefined(arch: str) -> Macros:
    """The macros a configuration starts with."""
    macros = Macros(FAMILIES)
    macros.define("_target_cpu", arch)
    macros.define("_target_os", "linux")
    macros.define("nil", "")
    return macros
