"""A source package becomes one commit of its package, tied to the build that brought it."""

from __future__ import annotations

import re
from pathlib import Path

from storage.errors import InvalidContent, InvalidName, UnknownPackage
from storage.git.outbox import operation_of_build
from storage.house import PackageStore
from storage.model import Author, Build, PackageMeta
from storage.names import PROJECT_CONTAINER, PackageName

from ..house import BuilderHouse
from .archive import unpacked
from .header import SourceHeader
from .payload import ArchiveLimits

_NAME = re.compile(r"[-+_.a-zA-Z0-9]{1,100}")


def import_source(house: BuilderHouse, build: Build, srpm: Path) -> SourceHeader:
    """Commit the content of a source package, and lay its spec beside it.

    The package is made when there is none of that name. A repeated call for the
    same build commits nothing new.

    Args:
        house: The house.
        build: The build; it gets package, commit and revision in the transaction
            that records the commit.
        srpm: The file.

    Returns:
        What the package says of itself.

    Raises:
        InvalidContent: The file is no usable source package.
        UnknownProject: The project was deleted meanwhile.
    """
    limits = house.storage.limits
    bounds = ArchiveLimits(limits.tree_files, limits.file_bytes, 2 * limits.file_bytes)
    with srpm.open("rb") as stream, unpacked(stream, bounds, house.storage.stage) as source:
        with (srpm.parent / source.spec).open("wb") as spec:
            for chunk in source.files[source.spec].chunks():
                spec.write(chunk)
        store = _package(house, build, _checked_name(build, source.header.name))
        message = f"Import {source.header.filename} (copr build {build.id})"
        store.import_tree(
            source.files,
            _author(house, build),
            message,
            operation=operation_of_build(build.id),
            build_id=build.id,
        )
        return source.header


def _checked_name(build: Build, text: str) -> PackageName:
    try:
        name = PackageName.parse(text)
    except InvalidName as error:
        raise InvalidContent(error.message) from None
    if not _NAME.fullmatch(name) or name == PROJECT_CONTAINER:
        raise InvalidContent(f"'{text[:100]}' cannot be the name of a package")
    if build.package and name != build.package:
        raise InvalidContent(
            f"the source package is called '{name}', but package '{build.package}' was built"
        )
    return name


def _package(house: BuilderHouse, build: Build, name: PackageName) -> PackageStore:
    try:
        return house.storage.package(build.project, name)
    except UnknownPackage:
        if build.package_id is not None or house.render_package_meta is None:
            raise
    meta = PackageMeta(name, build.project, title=name)
    house.storage.put_package_meta(
        house.render_package_meta(meta),
        meta,
        _author(house, build),
        f"made by copr build {build.id}",
        copr={"source_type": build.source_type, "source": build.source_dict},
    )
    return house.storage.package(build.project, name)


def _author(house: BuilderHouse, build: Build) -> Author:
    login = build.submitter or "_service"
    with house.records.read() as unit:
        account = unit.accounts.find(login)
    return Author(login, account.realname, account.email) if account else Author(login)
