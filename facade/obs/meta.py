"""Project and package metas between XML and the values of the house."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from storage.errors import InvalidContent, NameMismatch
from storage.flags import DEFAULTS
from storage.model import (
    FlagRule,
    Grant,
    JsonObject,
    PackageMeta,
    PathEntry,
    ProjectLink,
    ProjectMeta,
    Repository,
)
from storage.names import GroupName, PackageName, ProjectName, RepositoryName, UserName

from . import metashapes
from .shape import check
from .xml import Element, Node, read, write


def parse_project_meta(raw: bytes, name: str = "") -> ProjectMeta:
    """Read a project's ``_meta``.

    Args:
        raw: The document.
        name: Name the path gives; the document may leave its own out then.

    Raises:
        InvalidContent: The document is malformed or does not fit the schema.
        InvalidName: A name in it breaks the rules.
        NameMismatch: It names another project than the path.
    """
    root = read(raw, "project")
    check(root, metashapes.PROJECT)
    return ProjectMeta(
        name=ProjectName.parse(_same(root, "name", name, "project_name_mismatch")),
        title=root.text_of("title"),
        description=root.text_of("description"),
        url=root.text_of("url"),
        kind=root.attrs.get("kind", "standard"),
        remoteurl=root.text_of("remoteurl"),
        remoteproject=root.text_of("remoteproject"),
        scmsync=root.text_of("scmsync"),
        devel=_project_of(root.find("devel")),
        links=tuple(_link(node) for node in root.all("link")),
        grants=_grants(root),
        flags=_flags(root),
        repositories=_repositories(root),
        maintains=tuple(
            str(ProjectName.parse(node.attrs["project"]))
            for parent in root.all("maintenance")
            for node in parent.all("maintains")
        ),
    )


def parse_package_meta(raw: bytes, project: str = "", name: str = "") -> PackageMeta:
    """Read a package's ``_meta``; arguments and errors as for a project."""
    root = read(raw, "package")
    check(root, metashapes.PACKAGE)
    own_project = _same(root, "project", project, "project_name_mismatch")
    own_name = _same(root, "name", name, "package_name_mismatch")
    return PackageMeta(
        name=PackageName.parse(own_name),
        project=ProjectName.parse(own_project),
        title=root.text_of("title"),
        description=root.text_of("description"),
        url=root.text_of("url"),
        releasename=root.text_of("releasename"),
        bcntsynctag=root.text_of("bcntsynctag"),
        scmsync=root.text_of("scmsync"),
        devel=_devel(root.find("devel"), own_project, own_name),
        grants=_grants(root),
        flags=_flags(root),
    )


def render_project_meta(meta: ProjectMeta) -> bytes:
    """The canonical document of a project, which is also what is stored."""
    return write(project_element(meta))


def render_package_meta(meta: PackageMeta) -> bytes:
    """The canonical document of a package, which is also what is stored."""
    return write(package_element(meta))


def project_element(meta: ProjectMeta) -> Element:
    """The ``project`` element, children in the order OBS gives them."""
    children = [Element("title", text=meta.title), Element("description", text=meta.description)]
    children += [
        Element("link", {"project": link.project, "vrevmode": link.vrevmode}) for link in meta.links
    ]
    children += _texts(
        ("url", meta.url),
        ("remoteurl", meta.remoteurl),
        ("remoteproject", meta.remoteproject),
        ("scmsync", meta.scmsync),
    )
    if meta.devel:
        children.append(Element("devel", {"project": meta.devel}))
    children += [*_grant_elements(meta.grants), *_flag_elements(meta.flags)]
    children += [_repository_element(repository) for repository in meta.repositories]
    if meta.maintains:
        maintains = [Element("maintains", {"project": name}) for name in meta.maintains]
        children.append(Element("maintenance", {}, maintains))
    kind = None if meta.kind == "standard" else meta.kind
    return Element("project", {"name": meta.name, "kind": kind}, children)


def package_element(meta: PackageMeta) -> Element:
    """The ``package`` element, children in the order OBS gives them."""
    children = [Element("title", text=meta.title), Element("description", text=meta.description)]
    children += _texts(("releasename", meta.releasename))
    if meta.devel:
        project, package = meta.devel
        children.append(Element("devel", {"project": project, "package": package}))
    children += [*_grant_elements(meta.grants), *_flag_elements(meta.flags)]
    children += _texts(
        ("url", meta.url), ("bcntsynctag", meta.bcntsynctag), ("scmsync", meta.scmsync)
    )
    return Element("package", {"name": meta.name, "project": meta.project}, children)


def _same(root: Node, attribute: str, expected: str, code: str) -> str:
    given = root.attrs.get(attribute, expected)
    if not given:
        raise InvalidContent(f"attribute '{attribute}' is missing")
    if expected and given != expected:
        raise NameMismatch(
            f"{attribute} '{given[:200]}' does not match '{expected}' of the path", code=code
        )
    return given


def _project_of(node: Node | None) -> str:
    return str(ProjectName.parse(node.attrs["project"])) if node else ""


def _link(node: Node) -> ProjectLink:
    mode = node.attrs.get("vrevmode")
    return ProjectLink(
        ProjectName.parse(node.attrs["project"]), None if mode == "standard" else mode
    )


def _devel(node: Node | None, project: str, package: str) -> tuple[str, str] | None:
    if node is None:
        return None
    return (
        str(ProjectName.parse(node.attrs.get("project", project))),
        str(PackageName.parse(node.attrs.get("package", package))),
    )


def _grants(root: Node) -> tuple[Grant, ...]:
    found = [
        Grant("person", UserName.parse(node.attrs["userid"]), node.attrs["role"])
        for node in root.all("person")
    ]
    found += [
        Grant("group", GroupName.parse(node.attrs["groupid"]), node.attrs["role"])
        for node in root.all("group")
    ]
    return tuple(dict.fromkeys(found))


def _flags(root: Node) -> tuple[FlagRule, ...]:
    return tuple(
        FlagRule(
            flag,
            switch.tag == "enable",
            switch.attrs.get("repository"),
            switch.attrs.get("arch"),
        )
        for flag in DEFAULTS
        for node in root.all(flag)
        for switch in node.children
    )


def _repositories(root: Node) -> tuple[Repository, ...]:
    found = [_repository(node) for node in root.all("repository")]
    seen: set[str] = set()
    for repository in found:
        if repository.name in seen:
            raise InvalidContent(f"repository '{repository.name}' is defined twice")
        seen.add(repository.name)
    return tuple(found)


def _repository(node: Node) -> Repository:
    return Repository(
        name=RepositoryName.parse(node.attrs["name"]),
        arches=tuple(dict.fromkeys(arch.text.strip() for arch in node.all("arch"))),
        paths=_places(node, "path"),
        block=node.attrs.get("block", "all"),
        rebuild=node.attrs.get("rebuild", "transitive"),
        linkedbuild=node.attrs.get("linkedbuild", "off"),
        releasetargets=_places(node, "releasetarget"),
        hostsystems=_places(node, "hostsystem"),
        downloads=tuple(_download(entry) for entry in node.all("download")),
    )


def _places(node: Node, tag: str) -> tuple[PathEntry, ...]:
    return tuple(
        PathEntry(
            ProjectName.parse(place.attrs["project"]),
            RepositoryName.parse(place.attrs["repository"]),
            place.attrs.get("trigger"),
        )
        for place in node.all(tag)
    )


def _download(node: Node) -> JsonObject:
    found: JsonObject = dict(node.attrs)
    for tag in ("archfilter", "pubkey"):
        if child := node.find(tag):
            found[tag] = child.text
    if master := node.find("master"):
        found["master"] = dict(master.attrs)
    return found


def _texts(*pairs: tuple[str, str]) -> Iterator[Element]:
    return (Element(tag, text=text) for tag, text in pairs if text)


def _grant_elements(grants: Iterable[Grant]) -> Iterator[Element]:
    for subject, attribute in (("person", "userid"), ("group", "groupid")):
        for grant in grants:
            if grant.subject == subject:
                yield Element(subject, {attribute: grant.name, "role": grant.role})


def _flag_elements(rules: tuple[FlagRule, ...]) -> Iterator[Element]:
    for flag in DEFAULTS:
        switches = [
            Element(
                "enable" if rule.enable else "disable",
                {"repository": rule.repository, "arch": rule.arch},
            )
            for rule in rules
            if rule.flag == flag
        ]
        if switches:
            yield Element(flag, {}, switches)


def _repository_element(repository: Repository) -> Element:
    children = [_download_element(entry) for entry in repository.downloads]
    for tag, places in (
        ("releasetarget", repository.releasetargets),
        ("hostsystem", repository.hostsystems),
        ("path", repository.paths),
    ):
        children += [
            Element(
                tag,
                {
                    "project": place.project,
                    "repository": place.repository,
                    "trigger": place.trigger,
                },
            )
            for place in places
        ]
    children += [Element("arch", text=arch) for arch in repository.arches]
    attrs = {
        "name": repository.name,
        "rebuild": _unless(repository.rebuild, "transitive"),
        "block": _unless(repository.block, "all"),
        "linkedbuild": _unless(repository.linkedbuild, "off"),
    }
    return Element("repository", attrs, children)


def _download_element(entry: JsonObject) -> Element:
    children = list(_texts(("archfilter", entry.get("archfilter", ""))))
    if master := entry.get("master"):
        children.append(Element("master", master))
    children += _texts(("pubkey", entry.get("pubkey", "")))
    attrs = {key: entry[key] for key in ("arch", "url", "repotype")}
    return Element("download", attrs, children)


def _unless(value: str, default: str) -> str | None:
    return None if value == default else value
