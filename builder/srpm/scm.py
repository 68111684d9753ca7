"""Source packages made from a git repository, by each of Copr's methods."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from ..chroots.base import HOME, Root
from ..recipes.base import SIZE_LIMIT_BYTES
from .checkout import Checkout, check_out
from .files import fetch_sources
from .sandboxed import OUT, bring, build_source_package, require, run, take, write_macros
from .task import SourceFailed, Task
from .templates import render

_REPOSITORY = "repository"
_SOURCES = "sources"


class ScmProducer:
    """Checks a repository out, then does what ``srpm_build_method`` says."""

    def __init__(self, task: Task) -> None:
        """Produce for one task."""
        self._task = task
        self._method = task.argument("srpm_build_method") or "rpkg"
        self._checkout: Checkout | None = None
        self._spec = ""

    @property
    def packages(self) -> Sequence[str]:
        """The tool of the method; rpmbuild alone suffices where the spec is rendered outside."""
        return ("rpm",) if self._method == "rpkg" else ("git", "make", "rpm")

    def gather(self) -> Path | None:
        """Clone; for rpkg also render the spec and fetch its sources."""
        self._checkout = check_out(self._task)
        self._directory(self._checkout)
        if self._method == "rpkg":
            self._prepare_sources(self._checkout)
        return None

    def make(self, root: Root) -> Path:
        """Run the method's tool."""
        if self._method == "rpkg":
            bring(root, self._task.work / _SOURCES, _SOURCES)
            return build_source_package(root, self._task, _SOURCES, self._spec)
        if self._checkout is None:
            raise SourceFailed("there is no working copy")
        bring(root, self._checkout.directory, _REPOSITORY)
        if self._method == "make_srpm":
            return self._make_srpm(root, self._checkout)
        return self._tito(root, self._checkout)

    def _make_srpm(self, root: Root, checkout: Checkout) -> Path:
        require(root, self._task, "make")
        if not checkout.inside(".copr/Makefile").is_file():
            raise SourceFailed("'.copr/Makefile' is not a file")
        write_macros(root, self._task)
        top = f"{HOME}/{_REPOSITORY}"
        spec = self._task.argument("spec")
        place = f"{top}{spec}" if spec.startswith("/") else f"{self._inside(top)}/{spec}"
        line = ["make", "-f", f"{top}/.copr/Makefile", "srpm", f"outdir={HOME}/{OUT}"]
        run(root, self._task, [*line, f"spec={place.rstrip('/')}"], cwd=self._inside(top))
        return take(root, self._task)

    def _tito(self, root: Root, checkout: Checkout) -> Path:
        require(root, self._task, "tito")
        write_macros(root, self._task)
        test = ["--test"] if self._method == "tito_test" else []
        line = ["tito", "build", *test, "--srpm", "--output", f"{HOME}/{OUT}"]
        run(root, self._task, line, cwd=self._inside(f"{HOME}/{_REPOSITORY}"))
        return take(root, self._task)

    def _prepare_sources(self, checkout: Checkout) -> None:
        """Copy the spec's directory, render the spec, fetch what it names."""
        spec = self._find_spec(checkout)
        target = self._task.work / _SOURCES
        target.mkdir()
        for path in sorted(spec.parent.iterdir()):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                shutil.copyfile(path, target / path.name, follow_symlinks=False)
        if spec.stat().st_size > SIZE_LIMIT_BYTES:
            raise SourceFailed(f"{spec.name} is too large for a spec file")
        text = spec.read_bytes().decode("utf-8", errors="surrogateescape")
        rendered = render(text, checkout, spec.parent, target)
        self._spec = spec.name
        (target / spec.name).write_bytes(rendered.encode("utf-8", errors="surrogateescape"))
        self._complete(target)
        fetch_sources(self._task, target / spec.name, target)

    def _complete(self, directory: Path) -> None:
        """Add sources that are kept elsewhere; none are."""

    def _find_spec(self, checkout: Checkout) -> Path:
        wanted = self._task.argument("spec")
        if wanted.startswith("/"):
            spec = checkout.inside(wanted)
        elif wanted:
            spec = checkout.inside(f"{self._task.argument('subdirectory')}/{wanted}")
        else:
            found = sorted(self._directory(checkout).glob("*.spec"))
            if len(found) != 1:
                what = "no spec file" if not found else f"{len(found)} spec files"
                raise SourceFailed(f"the directory holds {what}; please name one")
            spec = checkout.inside(str(found[0].relative_to(checkout.inside(""))))
        if not spec.is_file():
            raise SourceFailed(f"'{wanted[:200]}' is not a file")
        return spec

    def _directory(self, checkout: Checkout) -> Path:
        path = checkout.inside(self._task.argument("subdirectory"))
        if not path.is_dir():
            raise SourceFailed("the subdirectory is not a directory")
        return path

    def _inside(self, top: str) -> str:
        """The subdirectory as seen inside of the root."""
        below = self._task.argument("subdirectory").strip("/")
        return f"{top}/{below}" if below else top
