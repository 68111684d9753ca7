"""A tiny distribution: a root with a compiler, and an archive around it."""

from pathlib import Path

from builder.chroots.base import Base

STATUS = """Package: libc6
Status: install ok installed
Version: 2.36-9
Architecture: amd64
Priority: required

Package: gcc
Status: install ok installed
Version: 4:12.2-3
Architecture: amd64
Depends: libc6 (>> 2.36), libtsan2
Provides: c-compiler
Priority: optional

Package: libtsan2
Status: install ok installed
Version: 12.2.0-14
Architecture: amd64

Package: zlib1g
Status: install ok installed
Version: 1:1.2.13-1
Architecture: amd64

Package: zlib1g-dev
Status: install ok installed
Version: 1:1.2.13-1
Architecture: amd64
Depends: zlib1g (= 1:1.2.13-1)

Package: make
Status: install ok installed
Version: 4.3-4
Architecture: amd64

Package: rpm
Status: install ok installed
Version: 4.18
Architecture: amd64

Package: removed
Status: deinstall ok config-files
Version: 1
Architecture: amd64
"""

PACKAGES = """Package: gcc
Version: 4:12.2-4
Architecture: amd64

Package: clang
Version: 14-1
Architecture: amd64
Provides: c-compiler
Priority: standard

Package: debhelper
Version: 13.11
Architecture: all
Depends: perl:any | perl-base, libdebhelper (= 13.11)
Provides: debhelper-compat (= 12), debhelper-compat (= 13)
Filename: pool/main/d/debhelper/debhelper_13.11_all.deb
SHA256: 1111

Package: libdebhelper
Version: 13.11
Architecture: all
Breaks: libtsan2 (<< 12-20211113-2~)

Package: perl-base
Version: 5.36-7
Architecture: amd64
Provides: perl
Breaks: perl (<< 5.0)

Package: libxml2
Version: 2.9.14-1
Architecture: amd64
Breaks: unknown (<< 1)

Package: libxml2-dev
Version: 2.9.14-1
Architecture: amd64

Package: libjson-xs-perl
Version: 4-1
Architecture: amd64

Package: exim4
Version: 1
Architecture: amd64
Provides: mail-transport-agent

Package: postfix
Version: 1
Architecture: amd64
Provides: mail-transport-agent
Priority: important

Package: python3
Version: 3.11.2-1
Architecture: amd64

Package: broken
Version: 1
Architecture: amd64
Depends: nobody-has-this

Package: twice
Version: 1.10
Architecture: all

Package: twice
Version: 1.9
Architecture: all
"""


class Distribution:
    """The seam ``Bases`` uses of a chroot, over files."""

    def __init__(self, directory: Path):
        self.root = directory / "root"
        self.lists = directory / "lists"
        info = self.root / "var/lib/dpkg/info"
        info.mkdir(parents=True)
        self.lists.mkdir()
        self.status = self.root / "var/lib/dpkg/status"
        self.status.write_text(STATUS)
        (self.lists / "main_Packages").write_text(PACKAGES)
        modules = self.root / "usr/lib/x86_64-linux-gnu/pkgconfig"
        modules.mkdir(parents=True)
        (modules / "zlib.pc").write_text("v=1.2\nVersion: ${v}.13\nName: z\n")
        (info / "gcc.list").write_text("/.\n/usr/bin/gcc\n/usr/share/doc\n")
        files = "/usr/lib/x86_64-linux-gnu/pkgconfig/zlib.pc\n"
        (info / "zlib1g-dev:amd64.list").write_text(files)
        (info / "zlib1g:amd64.shlibs").write_text("libz 1 zlib1g (>= 1)\nudeb: libz 1 no (>= 1)\n")
        self.id = "root-1"
        self.asked = 0

    def base(self):
        self.asked += 1
        return Base(self.id, (self.root,), self.status)

    def package_lists(self):
        return tuple(self.lists.glob("*_Packages"))
