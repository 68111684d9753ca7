"""Source files with a meaning of their own (OBS API contract, section 7.19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.errors import InvalidContent, InvalidName

from .shape import ANY, EMPTY, TEXT, Shape, check
from .xml import DOCUMENT_BYTES, Node, read

if TYPE_CHECKING:
    from storage.git.staging import StagedFile

_BOOLEAN = frozenset({"true", "false"})
_NAMED = Shape(required={"name": ANY})
_LINK = Shape(
    optional={
        "project": ANY,
        "package": ANY,
        "rev": ANY,
        "vrev": ANY,
        "baserev": ANY,
        "cicount": frozenset({"add", "copy", "local"}),
        "missingok": frozenset({"true", "1"}),
    },
    children={
        "patches": Shape(
            children={
                "add": Shape(
                    required={"name": ANY},
                    optional={"type": ANY, "after": ANY, "popt": ANY, "dir": ANY},
                ),
                "apply": _NAMED,
                "delete": _NAMED,
                "branch": EMPTY,
                "topadd": TEXT,
            }
        )
    },
)
_AGGREGATES = Shape(
    optional={"resign": _BOOLEAN},
    children={
        "aggregate": Shape(
            required={"project": ANY},
            children={
                "binary": TEXT,
                "nosources": EMPTY,
                "package": TEXT,
                "repository": Shape(optional={"source": ANY, "target": ANY}),
            },
            single=frozenset({"nosources"}),
        )
    },
)
_SERVICES = Shape(
    children={
        "service": Shape(
            required={"name": ANY},
            optional={
                "mode": frozenset(
                    {
                        "trylocal",
                        "localonly",
                        "serveronly",
                        "buildtime",
                        "manual",
                        "disabled",
                    }
                )
            },
            children={"param": Shape(required={"name": ANY}, text=ANY)},
        )
    }
)
_MULTIBUILD = Shape(children={"flavor": TEXT, "package": TEXT})
_ROUTES_OF_THEIR_OWN = frozenset({"_meta", "_history", "_attribute", "_tags", "_wizard"})
_SHAPES: dict[str, tuple[str, Shape | None]] = {
    "_link": ("link", _LINK),
    "_aggregate": ("aggregatelist", _AGGREGATES),
    "_service": ("services", _SERVICES),
    "_multibuild": ("multibuild", _MULTIBUILD),
    # Documents that nothing here reads: well-formed and of the right root is enough.
    "_constraints": ("constraints", None),
    "_patchinfo": ("patchinfo", None),
    "_channel": ("channel", None),
}


def check_name(name: str) -> None:
    """Return if a file of this name may be stored.

    Raises:
        InvalidName: The name is that of a route.
    """
    if name in _ROUTES_OF_THEIR_OWN:
        raise InvalidName(f"filename '{name}' is reserved", code="invalid_file_name")


def check_special(name: str, staged: StagedFile) -> None:
    """Return if the content may be stored under this name; ordinary names always pass.

    Raises:
        InvalidContent: It is not the document the name stands for.
    """
    if name not in _SHAPES:
        return
    if staged.size > DOCUMENT_BYTES:
        raise InvalidContent(f"'{name}' is larger than {DOCUMENT_BYTES} bytes")
    with staged.open() as stream:
        body = stream.read()
    root, shape = _SHAPES[name]
    node = read(body, root)
    if shape is not None:
        check(node, shape)
    if name == "_link":
        _check_link(node)
    elif name == "_multibuild":
        _check_flavors(node)


def _check_link(node: Node) -> None:
    if not {"project", "package", "rev"} & set(node.attrs):
        raise InvalidContent("a link needs a project, a package or a rev")
    for patches in node.all("patches"):
        if patches.find("branch") is not None:
            if len(patches.children) > 1:
                raise InvalidContent("'branch' must be the only patch")
            if not node.attrs.get("baserev"):
                raise InvalidContent("no baserev in branch patch")


def _check_flavors(node: Node) -> None:
    if node.find("flavor") and node.find("package"):
        raise InvalidContent("multibuild cannot have both package and flavor elements")
    for child in node.children:
        if not child.text.strip() or ":" in child.text:
            raise InvalidContent(f"flavor '{child.text.strip()[:80]}' is illegal in multibuild")
