"""The answer to a push: lines people see while it works, then git's report."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from storage.git.pktline import BAND_DATA, BAND_PROGRESS, FLUSH, band, packet

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_LONGEST_REASON = 300


class PushReport:
    """Writes the answer in the form the client asked for."""

    def __init__(self, capabilities: frozenset[str]) -> None:
        """Look at what the client can take.

        Args:
            capabilities: Chosen by the client.
        """
        self._bands = "side-band-64k" in capabilities
        self._wanted = "report-status" in capabilities

    def say(self, line: str) -> Iterator[bytes]:
        """A line for the person who pushes; git shows it after ``remote:``."""
        if self._bands:
            yield from band(BAND_PROGRESS, f"packhouse: {one_line(line)}\n".encode())

    def close(self, unpack: str, verdicts: Mapping[str, str]) -> Iterator[bytes]:
        """The report, and the end of the answer.

        Args:
            unpack: ``ok``, or why no object was kept.
            verdicts: For every ref of the push ``ok``, or why it was left as it is.
        """
        if self._wanted:
            lines = [f"unpack {one_line(unpack)}\n"]
            for ref, verdict in verdicts.items():
                good = verdict == "ok"
                lines.append(f"ok {ref}\n" if good else f"ng {ref} {one_line(verdict)}\n")
            report = b"".join(packet(line.encode()) for line in lines) + FLUSH
            yield from band(BAND_DATA, report) if self._bands else (report,)
        if self._bands:
            yield FLUSH


def one_line(text: str) -> str:
    """Text that cannot break out of its line."""
    return _CONTROL.sub(" ", text)[:_LONGEST_REASON].encode(errors="replace").decode()
