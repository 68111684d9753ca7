"""Source packages and specs that came as files: uploaded, or named by URL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from storage.errors import InvalidName, PackhouseError
from storage.names import FileName

from ..chroots.base import Root
from ..prjconf import ProjectConfig
from ..recipes.base import SIZE_LIMIT_BYTES
from ..recipes.spec import SpecRecipe
from .fetch import FetchLimits, fetch
from .places import upload_dir
from .sandboxed import bring, build_source_package
from .task import SourceFailed, Task

_SOURCES = "sources"
_MAX_SOURCES = 1000


class _FileProducer:
    """Takes an SRPM as it is and makes one of a spec, whose sources are fetched."""

    packages = ("rpm",)

    def __init__(self, task: Task) -> None:
        """Produce for one task."""
        self._task = task
        self._spec = ""

    def gather(self) -> Path | None:
        """Have the file; of a spec also what it names."""
        path = self._file()
        if path.name.endswith(".nosrc.rpm"):
            raise SourceFailed("a nosrc package leaves out sources that are needed")
        if path.name.endswith(".rpm"):
            return path
        self._spec = path.name
        directory = self._task.work / _SOURCES
        directory.mkdir()
        path.rename(directory / path.name)
        fetch_sources(self._task, directory / path.name, directory)
        return None

    def make(self, root: Root) -> Path:
        """Run rpmbuild on the spec."""
        bring(root, self._task.work / _SOURCES, _SOURCES)
        return build_source_package(root, self._task, _SOURCES, self._spec)

    def _file(self) -> Path:
        raise SourceFailed("there is no file")


class UploadProducer(_FileProducer):
    """A file the submitter sent; it stays where it is, so that a repeated try finds it."""

    def _file(self) -> Path:
        name = self._task.argument("pkg")
        kept = upload_dir(self._task.house.settings.data_dir, self._task.build.id) / name
        if not name or not kept.is_file():
            raise SourceFailed("the uploaded file is gone")
        path = self._task.work / name
        path.hardlink_to(kept)
        return path


class LinkProducer(_FileProducer):
    """A file behind a URL."""

    def _file(self) -> Path:
        url = self._task.argument("url")
        return download(self._task, url, self._task.work)


def download(task: Task, url: str, directory: Path, name: str = "") -> Path:
    """Fetch one URL into a directory.

    Args:
        task: The source part.
        url: What to fetch.
        directory: Where to put it.
        name: Its file name; empty takes that of the URL.

    Raises:
        SourceFailed: It cannot be had.
    """
    task.check()
    task.log.say(f"fetching {url}")
    try:
        path = directory / FileName.parse(name or url_filename(url))
        limits = FetchLimits(task.house.storage.limits.file_bytes, task.deadline.left_s)
        with fetch(url, limits, task.addresses) as answer, path.open("xb") as stream:
            for chunk in _watched(task, answer.chunks):
                stream.write(chunk)
    except FileExistsError:
        raise SourceFailed(f"two sources are called {path.name}") from None
    except PackhouseError as error:
        raise SourceFailed(error.message) from error
    return path


def url_filename(url: str) -> str:
    """The file name a URL gives its content; ``#/name`` at the end wins, as in specs."""
    parts = urlsplit(url)
    if parts.fragment.startswith("/"):
        return parts.fragment.rpartition("/")[2]
    return unquote(parts.path.rpartition("/")[2])


def fetch_sources(task: Task, spec: Path, directory: Path) -> None:
    """Fetch the sources a spec names by URL that are not there yet."""
    if spec.stat().st_size > SIZE_LIMIT_BYTES:
        raise SourceFailed(f"{spec.name} is too large for a spec file")
    text = spec.read_text("utf-8", errors="replace")
    arch = task.house.settings.chroots[0].arch
    recipe = SpecRecipe().parse(text, ProjectConfig(), arch)
    for url in _urls(recipe.sources):
        try:
            name = FileName.parse(url_filename(url))
        except InvalidName as error:
            raise SourceFailed(error.message) from None
        if not (directory / name).exists():
            download(task, url, directory, name)


def _urls(sources: Iterable[str]) -> list[str]:
    found = [source for source in sources if source.startswith(("http://", "https://"))]
    if len(found) > _MAX_SOURCES:
        raise SourceFailed(f"the spec names more than {_MAX_SOURCES} sources to fetch")
    return found


def _watched(task: Task, chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        task.check()
        yield chunk
