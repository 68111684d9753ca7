"""gunicorn, run inside a child of the supervisor."""

from __future__ import annotations

from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from ..settings import Settings

_LONGEST_REQUEST_LINE = 0
"""No limit of gunicorn's own: osc names hundreds of binaries in one query string."""


class _Application(BaseApplication):  # type: ignore[misc]
    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self._app = app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:
        return self._app


def run_web(app: Flask, settings: Settings) -> None:
    """Serve the application until told to stop; never returns."""
    _Application(
        app,
        {
            "bind": settings.listen,
            "workers": settings.web_workers,
            "threads": settings.web_threads,
            "worker_class": "gthread",
            "preload_app": True,
            "timeout": 60,
            "graceful_timeout": 8,
            "keepalive": 15,
            "limit_request_line": _LONGEST_REQUEST_LINE,
            "loglevel": settings.log_level,
            "errorlog": "-",
            "accesslog": None,
            "control_socket_disable": True,
            "proc_name": "packhouse-web",
        },
    ).run()
