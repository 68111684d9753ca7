"""The release number of a spec build (build semantics, section 4.6)."""

from __future__ import annotations

import re

_RELEASE = re.compile(r"^(\s*Release\s*:\s*)(.*?)(\s*)$", re.IGNORECASE | re.MULTILINE)


def counters(versrel: str, bcnt: int) -> dict[str, str]:
    """Values of the counter words: check-ins of this version, builds of that."""
    return {"<CI_CNT>": versrel.rpartition("-")[2] or "0", "<B_CNT>": str(bcnt)}


def rewrite(spec: str, form: str | None, versrel: str, bcnt: int) -> str:
    """The spec with its release lines as the project wants them.

    Args:
        spec: Text of the spec file.
        form: ``Release:`` of the project's configuration; None or empty keeps what
            the spec says, but for counter words in it.
        versrel: ``version-vrev`` of the job.
        bcnt: Its build counter.
    """
    words = counters(versrel, bcnt)

    def line(match: re.Match[str]) -> str:
        own = match[2]
        full = form or "<CI_CNT>.<B_CNT>"
        if "<RELEASE>" in own:
            value = own.replace("<RELEASE>", full.replace("<SPEC_REL>", "0"))
        elif "<CI_CNT>" in own or "<B_CNT>" in own or not form:
            value = own
        else:
            value = form.replace("<SPEC_REL>", own)
        for word, count in words.items():
            value = value.replace(word, count)
        return f"{match[1]}{value}{match[3]}"

    return _RELEASE.sub(line, spec)
