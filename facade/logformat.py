"""One log line: time, level, process, event, then the facts as ``key=value``."""

from __future__ import annotations

import logging
import time

from .requestid import RequestIdFilter

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class FactsFormatter(logging.Formatter):
    """Shows what a call gave as ``extra``, which the standard format leaves out."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(process)d %(name)s %(message)s", "%Y-%m-%dT%H:%M:%SZ"
        )
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line, without a traceback."""
        facts = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if facts.get("request_id") == "-":
            del facts["request_id"]
        line = super().formatMessage(record)
        return " ".join([line, *(f"{key}={_plain(value)}" for key, value in facts.items())])


def log_to_stderr(level: str) -> None:
    """Send every log line of this process and its children to standard error."""
    handler = logging.StreamHandler()
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(FactsFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _plain(value: object) -> str:
    """One word; text from outside cannot forge a second line."""
    text = str(value)
    if text and text.isprintable() and " " not in text and '"' not in text:
        return text
    return '"' + text.encode("unicode_escape").decode().replace('"', "'")[:500] + '"'
