"""What a caller may say about one build, whatever its source."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from storage.errors import InvalidInput
from storage.model import JsonObject

from .forms import Form, as_integers
from .problems import Problems

MAX_BUILDS = 100
_BATCH = ("after_build_id", "with_build_id")
_BOOTSTRAPS = ("unchanged", "default", "on", "off", "image", "custom_image")
_ISOLATIONS = ("unchanged", "default", "simple", "nspawn")
_PATTERN = r"^[a-z0-9-_*.+]+$"


def read_options(
    form: Form,
    known: Sequence[str],
    problems: Problems,
    *,
    longest_s: int,
    exists: Callable[[int], bool],
) -> JsonObject:
    """The options of a build.

    Args:
        form: What the caller sent.
        known: The project's chroots.
        problems: Where complaints go.
        longest_s: Longest allowed timeout.
        exists: Whether a build of that id exists.

    Returns:
        ``chroots`` only if the caller chose; ``timeout``, ``enable_net``,
        ``background``, ``after_build_id`` and ``with_build_id`` only if given.
    """
    options: JsonObject = {}
    timeout = problems.integer(form, "timeout", 0, longest_s)
    if timeout:
        options["timeout"] = timeout
    _read_chroots(form, known, problems, options)
    if "enable_net" in form:
        options["enable_net"] = form.boolean("enable_net")
    if form.boolean("background") or form.boolean("is_background"):
        options["background"] = True
    for name, choices in (("bootstrap", _BOOTSTRAPS), ("isolation", _ISOLATIONS)):
        value = problems.choice(form, name, choices, "unchanged")
        if value != "unchanged":
            options[name] = value
    _read_batch(form, problems, options, exists)
    return options


def _read_chroots(
    form: Form, known: Sequence[str], problems: Problems, options: JsonObject
) -> None:
    wanted, excluded = form.words("chroots") or [], form.words("exclude_chroots") or []
    chosen = problems.chroots("chroots", wanted, known) if wanted else list(known)
    if excluded:
        dropped = set(problems.chroots("exclude_chroots", excluded, known))
        chosen = [chroot for chroot in chosen if chroot not in dropped]
    if wanted or excluded:
        options["chroots"] = chosen


def _read_batch(
    form: Form, problems: Problems, options: JsonObject, exists: Callable[[int], bool]
) -> None:
    given = [name for name in _BATCH if form.text(name)]
    if len(given) > 1:
        for name in given:
            problems.add(name, "Only one batch option can be specified")
        return
    for name in given:
        text = form.text(name) or ""
        try:
            number = as_integers([text])[0]
        except InvalidInput:
            problems.add(name, "Not a valid integer value.")
            continue
        if not exists(number):
            problems.add(name, f"Build {number} not found")
        options[name] = number


def check_denylist(text: str, known: Sequence[str], problems: Problems) -> None:
    """Complain about patterns of a chroot deny list that are malformed or match nothing."""
    for pattern in denied_patterns(text):
        if not re.match(_PATTERN, pattern):
            problems.add("chroot_denylist", f'Pattern "{pattern}" does not match "{_PATTERN}"')
        elif not any(fnmatchcase(chroot, pattern) for chroot in known):
            problems.add("chroot_denylist", f'no chroot matched by pattern "{pattern}"')


def denied_patterns(text: str) -> list[str]:
    """The patterns of a comma separated deny list."""
    return [pattern for pattern in (part.strip() for part in text.split(",")) if pattern]


def without_denied(known: Sequence[str], denylist: str) -> list[str]:
    """The chroots a deny list leaves; a list that would leave none has no effect."""
    patterns = denied_patterns(denylist)
    left = [c for c in known if not any(fnmatchcase(c, pattern) for pattern in patterns)]
    return left or list(known)
