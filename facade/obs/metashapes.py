"""The shapes of project and package metas (OBS API contract, sections 5.2 and 6.2)."""

from __future__ import annotations

from .shape import ANY, EMPTY, TEXT, Shape

ARCHITECTURES = frozenset(
    """noarch aarch64 aarch64_ilp32 armv4l armv5l armv6l armv7l armv5el armv6el armv7el armv7hl
    armv8el hppa m68k i386 i486 i586 i686 athlon ia64 k1om loongarch64 mips mipsel mips32 mips64
    mips64el ppc ppc64 ppc64p7 ppc64le riscv64 s390 s390x sh4 sparc sparc64 sparc64v sparcv8
    sparcv9 sparcv9v x86_64 local""".split()
)
"""Architectures osc accepts in a meta; any other one breaks its model of the project."""

ROLES = frozenset({"maintainer", "bugowner", "reviewer", "downloader", "reader"})
KINDS = frozenset({"standard", "maintenance", "maintenance_incident", "maintenance_release"})
REBUILD = frozenset({"transitive", "direct", "local"})
BLOCK = frozenset({"all", "local", "never"})
LINKEDBUILD = frozenset({"off", "localdep", "alldirect", "all"})
_TRIGGERS = frozenset({"manual", "maintenance", "obsgendiff"})
_REPOTYPES = frozenset({"rpmmd", "susetags", "deb", "arch", "mdk", "registry", "apk"})

_SWITCH = Shape(optional={"repository": ANY, "arch": ARCHITECTURES})
_FLAG = Shape(children={"enable": _SWITCH, "disable": _SWITCH})
_SIMPLE_FLAG = Shape(
    children={"enable": EMPTY, "disable": EMPTY}, single=frozenset({"enable", "disable"})
)
_PACKAGE_FLAGS = {
    "lock": _SIMPLE_FLAG,
    "build": _FLAG,
    "publish": _FLAG,
    "debuginfo": _FLAG,
    "useforbuild": _FLAG,
    "binarydownload": _FLAG,
    "sourceaccess": _SIMPLE_FLAG,
}
_PROJECT_FLAGS = {**_PACKAGE_FLAGS, "access": _SIMPLE_FLAG}
_GRANTS = {
    "person": Shape(required={"userid": ANY, "role": ROLES}),
    "group": Shape(required={"groupid": ANY, "role": ROLES}),
}
_PLACE = {"project": ANY, "repository": ANY}
_DOWNLOAD = Shape(
    required={"arch": ARCHITECTURES, "url": ANY, "repotype": _REPOTYPES},
    children={
        "archfilter": TEXT,
        "master": Shape(required={"url": ANY}, optional={"sslfingerprint": ANY}),
        "pubkey": TEXT,
    },
    single=frozenset({"archfilter", "master", "pubkey"}),
)
_REPOSITORY = Shape(
    required={"name": ANY},
    optional={"rebuild": REBUILD, "block": BLOCK, "linkedbuild": LINKEDBUILD},
    children={
        "download": _DOWNLOAD,
        "releasetarget": Shape(required=_PLACE, optional={"trigger": _TRIGGERS}),
        "hostsystem": Shape(required=_PLACE),
        "path": Shape(required=_PLACE),
        "arch": Shape(text=ARCHITECTURES),
    },
)
_PROJECT_CHILDREN = {
    "title": TEXT,
    "description": TEXT,
    "url": TEXT,
    "remoteurl": TEXT,
    "remoteproject": TEXT,
    "scmsync": TEXT,
    "devel": Shape(required={"project": ANY}),
    **_PROJECT_FLAGS,
    "maintenance": Shape(children={"maintains": Shape(required={"project": ANY})}),
}
PROJECT = Shape(
    optional={"name": ANY, "kind": KINDS},
    children={
        **_PROJECT_CHILDREN,
        "link": Shape(
            required={"project": ANY},
            optional={"vrevmode": frozenset({"standard", "unextend", "extend"})},
        ),
        **_GRANTS,
        "repository": _REPOSITORY,
    },
    single=frozenset(_PROJECT_CHILDREN),
    present=("title", "description"),
)
_PACKAGE_CHILDREN = {
    "title": TEXT,
    "description": TEXT,
    "releasename": TEXT,
    "devel": Shape(optional={"project": ANY, "package": ANY}),
    **_PACKAGE_FLAGS,
    "url": TEXT,
    "bcntsynctag": TEXT,
    "scmsync": TEXT,
}
PACKAGE = Shape(
    optional={"name": ANY, "project": ANY},
    children={**_PACKAGE_CHILDREN, **_GRANTS},
    single=frozenset(_PACKAGE_CHILDREN),
)
