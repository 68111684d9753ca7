"""What a caller may say about one build, whatever its source."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from builder.srpm.batches import batch_of
from storage.errors import InvalidInput
from storage.model import Build, JsonObject

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
    find: Callable[[int], Build | None],
) -> JsonObject:
    """The options of a build.

    Args:
        form: What the caller sent.
        known: The project's chroots.
        problems: Where complaints go.
        longest_s: Longest allowed timeout.
        find: The build of that number, None when there is none.

    Returns:
        ``chroots`` only if the caller chose; ``timeout``, ``enable_net``,
        ``background``, ``batch`` and ``after_batch`` only if given.
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
    _read_batch(form, problems, options, find)
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
    form: Form, problems: Problems, options: JsonObject, find: Callable[[int], Build | None]
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
        other = find(number)
        if other is None:
            problems.add(name, f"Build {number} not found")
        elif name == "after_build_id":
            options["after_batch"] = batch_of(other)
        else:
            options["batch"] = batch_of(other)
            if "after_batch" in other.options:
                options["after_batch"] = other.options["after_batch"]


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
