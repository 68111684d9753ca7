"""Whether the house is alive, whether it is ready, and a few numbers."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable

from flask import Flask, Response

from .wiring import House

logger = logging.getLogger(__name__)


def register(app: Flask, house: House) -> None:
    """Add ``/health/live``, ``/health/ready`` and ``/metrics``."""

    def live() -> Response:
        return _text("alive\n")

    def ready() -> Response:
        failed = [name for name, check in _checks(house).items() if not _passes(name, check)]
        if failed:
            response = _text(f"not ready: {', '.join(failed)}\n")
            response.status_code = 503
            return response
        return _text("ready\n")

    def metrics() -> Response:
        return _text(_metrics(house))

    app.add_url_rule("/health/live", "health.live", live)
    app.add_url_rule("/health/ready", "health.ready", ready)
    app.add_url_rule("/metrics", "health.metrics", metrics)


def _checks(house: House) -> dict[str, Callable[[], object]]:
    return {
        "database": lambda: _database(house),
        "data_dir": lambda: _writable(house),
        "queue": house.queue.ping,
    }


def _passes(name: str, check: Callable[[], object]) -> bool:
    try:
        return check() is not False
    except Exception:
        logger.warning("not_ready", extra={"check": name}, exc_info=True)
        return False


def _database(house: House) -> None:
    with house.records.read() as unit:
        unit.events.pending()


def _writable(house: House) -> None:
    if not os.access(house.settings.data_dir, os.W_OK | os.X_OK):
        raise OSError(f"{house.settings.data_dir} is not writable")


def _metrics(house: House) -> str:
    with house.records.read() as unit:
        pending = unit.events.pending()
    free = shutil.disk_usage(house.settings.data_dir).free
    values = {
        "packhouse_up": 1,
        "packhouse_start_time_seconds": house.started_at,
        "packhouse_events_pending": pending,
        "packhouse_data_free_bytes": free,
    }
    return "".join(f"{name} {value}\n" for name, value in values.items())


def _text(text: str) -> Response:
    return Response(text, content_type="text/plain; charset=utf-8")
