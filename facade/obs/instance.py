"""What the instance says about itself (OBS API contract, sections 2 and 3)."""

from __future__ import annotations

from flask import Response

from storage.errors import NotFound

from .call import Call
from .directory import names
from .metashapes import ARCHITECTURES
from .routing import Route
from .status import answer
from .xml import Element

_API_REVISION = "2.0"


def root(call: Call) -> Response:
    """``GET /`` leads to ``/about``."""
    return Response(status=302, headers={"Location": f"{call.house.settings.url}/about"})


def about(call: Call) -> Response:
    """``GET /about`` [ABT-01]."""
    title = call.house.settings.title
    return answer(
        Element(
            "about",
            {},
            [
                Element("title", text=title),
                Element("description", text="Packages, their history and their builds"),
                Element("revision", text=_API_REVISION),
            ],
        )
    )


def configuration(call: Call) -> Response:
    """``GET /configuration`` [DST-10]."""
    url = call.house.settings.url
    arches = sorted({chroot.arch for chroot in call.house.builder.settings.chroots})
    return answer(
        Element(
            "configuration",
            {},
            [
                Element("title", text=call.house.settings.title),
                Element("description", text="Packages, their history and their builds"),
                Element("name", text=call.house.builder.settings.instance),
                Element("download_url", text=f"{url}/repositories"),
                Element("obs_url", text=url),
                Element("schedulers", {}, [Element("arch", text=arch) for arch in arches]),
            ],
        )
    )


def architectures(call: Call) -> Response:
    """``GET /architectures`` [DST-08]: those that are built for."""
    return names(sorted({chroot.arch for chroot in call.house.builder.settings.chroots}))


def architecture(call: Call) -> Response:
    """``GET /architectures/A`` [DST-09]."""
    name = call.part("arch")
    if name not in ARCHITECTURES:
        raise NotFound(f"architecture '{name[:100]}' does not exist")
    return answer(Element("architecture", {"name": name}))


def distributions(call: Call) -> Response:
    """``GET /distributions`` [DST-01]: the configured build environments."""
    return answer(Element("distributions", {}, _distributions(call)))


def distribution(call: Call) -> Response:
    """``GET /distributions/N`` [DST-03]."""
    for element in _distributions(call):
        if element.attrs["id"] == call.part("number"):
            return answer(element)
    raise NotFound(f"distribution '{call.part('number')[:100]}' does not exist")


def _distributions(call: Call) -> list[Element]:
    places: dict[tuple[str, str], set[str]] = {}
    for chroot in call.house.builder.settings.chroots:
        places.setdefault((chroot.project, chroot.repository), set()).add(chroot.arch)
    return [
        _distribution(str(number), project, repository, sorted(arches))
        for number, ((project, repository), arches) in enumerate(places.items(), 1)
    ]


def _distribution(number: str, project: str, repository: str, arches: list[str]) -> Element:
    vendor, _, version = project.partition(":")
    children = [
        Element("name", text=project.replace(":", " ")),
        Element("project", text=project),
        Element("reponame", text=project.replace(":", "_")),
        Element("repository", text=repository),
        Element("link", text=""),
        *(Element("architecture", text=arch) for arch in arches),
    ]
    attrs = {"vendor": vendor.lower(), "version": version, "id": number}
    return Element("distribution", attrs, children)


ROUTES = [
    Route("GET", "/", root, anonymous=True),
    Route("GET", "/about", about, anonymous=True),
    Route("GET", "/public/about", about, anonymous=True),
    Route("GET", "/configuration", configuration),
    Route("GET", "/public/configuration", configuration, anonymous=True),
    Route("GET", "/architectures", architectures),
    Route("GET", "/architectures/<arch>", architecture),
    Route("GET", "/distributions", distributions),
    Route("GET", "/distributions/include_remotes", distributions),
    Route("GET", "/distributions/<number>", distribution),
]
