"""Small real packages, built by rpmbuild and dpkg-deb when a test session starts."""

import hashlib
import os
import subprocess
import tarfile
import textwrap
from pathlib import Path

SPEC = """\
Name: {name}
Version: {version}
Release: {release}
Summary: Greeting called {name}
License: MIT
BuildArch: {arch}
Provides: greeting = {version}
%description
Says hello.
Twice, with <angle brackets> & more.
%install
mkdir -p %{{buildroot}}/usr/share/{name}
echo '{content}' > %{{buildroot}}/usr/share/{name}/text
%files
/usr/share/{name}
%changelog
{changelog}
"""


def make_rpm(
    directory: Path,
    name: str = "hello",
    version: str = "1.0",
    release: str = "1",
    arch: str = "noarch",
    content: str = "hello",
    changes: int = 2,
) -> list[Path]:
    """Build a package; the binary package comes first, then its source package."""
    top = directory / f"top-{name}-{version}-{release}-{arch}"
    top.mkdir(parents=True)
    entry = "* Mon Jan 0{day} 2024 A B <a@b> - 1-{number}\n- change {number}\n"
    changelog = "\n".join(entry.format(day=1, number=changes - n) for n in range(changes))
    spec = top / f"{name}.spec"
    spec.write_text(SPEC.format(**{k: v for k, v in locals().items() if isinstance(v, str)}))
    defines = {"_topdir": top, "_dbpath": top / "db", "_buildhost": "build", "source_date": 1}
    words = [w for k, v in defines.items() for w in ("--define", f"{k} {v}")]
    subprocess.run(
        ["rpmbuild", "-ba", "--nodeps", "--quiet", *words, "--target", f"{arch}-linux", str(spec)],
        check=True,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": str(top), "LC_ALL": "C.UTF-8"},
    )
    return [*top.glob("RPMS/*/*.rpm"), *top.glob("SRPMS/*.rpm")]


def make_deb(
    directory: Path,
    name: str = "hello",
    version: str = "1.0",
    arch: str = "all",
    content: str = "hello",
    extra: str = "",
) -> Path:
    """Build a binary package with dpkg-deb; ``extra`` are more lines of its control file."""
    root = directory / f"root-{name}-{version}-{arch}"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "usr/share" / name).mkdir(parents=True)
    (root / "usr/share" / name / "text").write_text(content + "\n")
    control = f"""\
        Package: {name}
        Version: {version}
        Architecture: {arch}
        Maintainer: A B <a@b.example>
        Description: greeting called {name}
         It says hello.
         .
         Twice.
        """
    (root / "DEBIAN" / "control").write_text(textwrap.dedent(control) + extra)
    path = directory / f"{name}_{version}_{arch}.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(root), str(path)],
        check=True,
        capture_output=True,
    )
    return path


def make_dsc(directory: Path, name: str = "hello", version: str = "1.0") -> list[Path]:
    """A native Debian source package: the .dsc first, then its tarball."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "README").write_text("hello\n")
    tarball = directory / f"{name}_{version}.tar.xz"
    with tarfile.open(tarball, "w:xz") as archive:
        archive.add(directory / "README", f"{name}-{version}/README")
    facts = {h: hashlib.new(h, tarball.read_bytes()).hexdigest() for h in ("md5", "sha1", "sha256")}
    size = tarball.stat().st_size
    dsc = directory / f"{name}_{version}.dsc"
    dsc.write_text(
        textwrap.dedent(f"""\
        Format: 3.0 (native)
        Source: {name}
        Binary: {name}
        Architecture: all
        Version: {version}
        Maintainer: A B <a@b.example>
        Standards-Version: 4.6.0
        Checksums-Sha1:
         {facts["sha1"]} {size} {tarball.name}
        Checksums-Sha256:
         {facts["sha256"]} {size} {tarball.name}
        Files:
         {facts["md5"]} {size} {tarball.name}
        """)
    )
    return [dsc, tarball]
