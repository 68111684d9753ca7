"""The real git program and a real server for it to talk to."""

import contextlib
import os
import subprocess
import threading
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Anna",
    "GIT_AUTHOR_EMAIL": "anna@example.org",
    "GIT_COMMITTER_NAME": "Anna",
    "GIT_COMMITTER_EMAIL": "anna@example.org",
    "NO_PROXY": "*",
}


class Git:
    """Runs git in one directory."""

    def __init__(self, directory, **environment):
        self.directory = Path(directory)
        self.environment = {**ENVIRONMENT, **environment}

    def run(self, *arguments, stdin=None, **environment):
        """The finished process, whatever its status."""
        return subprocess.run(
            ["git", *map(str, arguments)],
            cwd=self.directory,
            env={**self.environment, **environment},
            input=stdin,
            capture_output=True,
            text=not isinstance(stdin, bytes),
            timeout=120,
        )

    def __call__(self, *arguments, stdin=None, **environment):
        """What a successful git prints."""
        done = self.run(*arguments, stdin=stdin, **environment)
        assert done.returncode == 0, f"git {arguments}: {done.stderr}{done.stdout}"
        out = done.stdout
        return (out if isinstance(out, str) else out.decode()).strip()

    def fails(self, *arguments, **environment):
        """What a failing git complains about."""
        done = self.run(*arguments, **environment)
        assert done.returncode != 0, f"git {arguments} succeeded: {done.stderr}{done.stdout}"
        return done.stderr

    def commit(self, message="change", **files):
        """Commit files given as name=content; dots in names are written as __."""
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (self.directory / name.replace("__", ".")).write_bytes(data)
        self("add", "--all")
        self("commit", "--quiet", "--message", message)
        return self("rev-parse", "HEAD")


def init(directory, *arguments, **environment):
    """A new repository with branch main."""
    directory.mkdir(parents=True, exist_ok=True)
    git = Git(directory, **environment)
    git("init", "--quiet", "--initial-branch=main", *arguments)
    return git


class _QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_arguments):
        pass


@contextlib.contextmanager
def served(app):
    """The base URL of a threaded server that answers with a WSGI application."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
