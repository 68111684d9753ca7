"""Files and directory pages."""

from __future__ import annotations

import html
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote

from flask import Request, Response
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.utils import redirect
from werkzeug.wsgi import wrap_file

from storage.errors import NotFound

_TYPES = {
    ".rpm": "application/x-rpm",
    ".deb": "application/vnd.debian.binary-package",
    ".udeb": "application/vnd.debian.binary-package",
    ".gz": "application/gzip",
    ".xz": "application/x-xz",
    ".xml": "application/xml",
    ".json": "application/json",
    ".key": "application/pgp-keys",
    ".asc": "application/pgp-signature",
    ".gpg": "application/pgp-signature",
}
_TEXTS = frozenset({".repo", ".sources", ".log", ".spec", ".dsc", ""})
_NO_SCRIPTS = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a directory page.

    Attributes:
        size: Bytes; None for directories and what is made when it is asked for.
        changed_at: Unix seconds, None if that says nothing.
    """

    name: str
    is_directory: bool = False
    size: int | None = None
    changed_at: float | None = None


def send_path(request: Request, path: Path, *, name: str = "", fixed: bool = False) -> Response:
    """Answer with a file, whole or the one asked range, or say that it has not changed.

    Args:
        request: Its conditions and range are honoured.
        path: A regular file; symbolic links are not followed.
        name: Whose ending tells the content type; default that of ``path``.
        fixed: Whether the content under this name never changes.

    Raises:
        NotFound: There is no such regular file.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise NotFound("no such file or directory") from error
    facts = os.fstat(handle)
    if not stat.S_ISREG(facts.st_mode):
        os.close(handle)
        raise NotFound("no such file or directory")
    response = Response(
        wrap_file(request.environ, os.fdopen(handle, "rb")),
        content_type=content_type(name or path.name),
        direct_passthrough=True,
    )
    response.content_length = facts.st_size
    response.last_modified = datetime.fromtimestamp(int(facts.st_mtime), UTC)
    response.set_etag(f"{facts.st_mtime_ns:x}-{facts.st_size:x}-{facts.st_ino:x}")
    response.headers["Cache-Control"] = "max-age=86400" if fixed else "no-cache"
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=facts.st_size)
    except RequestedRangeNotSatisfiable:
        response.close()
        refusal = Response(status=416)
        refusal.headers["Content-Range"] = f"bytes */{facts.st_size}"
        return refusal
    return response


def send_text(content: str | bytes, content_type: str = "text/plain; charset=utf-8") -> Response:
    """A short text that is made when it is asked for."""
    return Response(content, content_type=content_type)


def content_type(name: str) -> str:
    """Content type by the name's ending; never one that a browser would run."""
    suffix = os.path.splitext(name)[1]
    if suffix in _TEXTS:
        return "text/plain; charset=utf-8"
    return _TYPES.get(suffix, "application/octet-stream")


def directory_page(request: Request, title: str, lines: Iterable[Line]) -> Response:
    """An index with relative links, as wget and people follow them.

    A path without a final slash is redirected: its links would lead elsewhere.
    """
    if not request.path.endswith("/"):
        query = (
            f"?{request.query_string.decode('ascii', 'replace')}" if request.query_string else ""
        )
        where = quote(request.path, safe="/:+~@,=") + "/" + query
        answer = redirect(where, 302, Response=Response)
        assert isinstance(answer, Response)
        return answer
    page = Response(_page(title, lines), content_type="text/html; charset=utf-8")
    page.headers["Content-Security-Policy"] = _NO_SCRIPTS
    page.headers["Cache-Control"] = "no-cache"
    return page


def list_directory(path: Path) -> list[Line]:
    """What a directory of a published tree shows, hidden names left out, by name.

    Raises:
        NotFound: It is no directory.
    """
    lines = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                facts = entry.stat()
                if entry.is_dir():
                    lines.append(Line(entry.name, True, None, facts.st_mtime))
                else:
                    lines.append(Line(entry.name, False, facts.st_size, facts.st_mtime))
    except OSError as error:
        raise NotFound("no such file or directory") from error
    return sorted(lines, key=lambda line: (not line.is_directory, line.name))


def _page(title: str, lines: Iterable[Line]) -> Iterator[str]:
    safe = html.escape(title)
    yield (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{safe}</title>\n'
        "<style>body{font-family:sans-serif;margin:2em}td{padding:0 2em 0 0;"
        "font-family:monospace}td+td{text-align:right;color:#555}</style></head>\n"
        f'<body><h1>{safe}</h1>\n<p><a href="../">up</a></p>\n<table>\n'
    )
    for line in lines:
        slash = "/" if line.is_directory else ""
        # "./" keeps a name with a colon from being taken for a scheme.
        link = html.escape("./" + quote(line.name, safe="+~@,=:") + slash)
        size = "" if line.size is None else str(line.size)
        when = "" if line.changed_at is None else formatdate(line.changed_at, usegmt=True)
        yield (
            f'<tr><td><a href="{link}">{html.escape(line.name)}{slash}</a></td>'
            f"<td>{size}</td><td>{when}</td></tr>\n"
        )
    yield "</table></body></html>\n"
