"""What the header of a source package says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from storage.errors import InvalidContent

from ..rpmheader import RpmHeader, read_rpm

_NAME, _VERSION, _RELEASE, _EPOCH = 1000, 1001, 1002, 1003
_SOURCE_RPM = 1044
_NO_SOURCE, _NO_PATCH = 1051, 1052
_EXCLUDE_ARCH, _EXCLUSIVE_ARCH = 1059, 1061
_BASE_NAMES, _FILE_DIGESTS, _DIGEST_ALGORITHM = 1117, 1035, 5011
_PAYLOAD_FORMAT, _PAYLOAD_COMPRESSOR = 1124, 1125


@dataclass(frozen=True, slots=True)
class SourceHeader:
    """The tags that matter here.

    Attributes:
        epoch: None when the package has none.
        compressor: ``gzip``, ``bzip2``, ``xz``, ``lzma``, ``zstd`` or what else it claims.
        digests: Hex digest of each file by name, as the header announces them.
        digest_algorithm: OpenPGP number of the digests' algorithm (1 md5, 8 sha256).
        is_complete: False when sources were left out (``nosrc``).
    """

    name: str
    epoch: int | None
    version: str
    release: str
    exclusive_arch: tuple[str, ...] = ()
    exclude_arch: tuple[str, ...] = ()
    compressor: str = "gzip"
    payload_format: str = "cpio"
    digests: Mapping[str, str] = field(default_factory=dict)
    digest_algorithm: int = 1
    is_complete: bool = True

    @property
    def evr(self) -> str:
        """``[epoch:]version-release``."""
        epoch = f"{self.epoch}:" if self.epoch is not None else ""
        return f"{epoch}{self.version}-{self.release}"

    @property
    def filename(self) -> str:
        """The usual name of the package file."""
        return f"{self.name}-{self.version}-{self.release}.src.rpm"


def read_header(stream: BinaryIO) -> SourceHeader:
    """Read the headers of a source package; the stream then stands at the payload.

    Raises:
        InvalidContent: Not a source package, or a malformed one.
    """
    header = read_rpm(stream)
    if header.text(_SOURCE_RPM):
        raise InvalidContent("an RPM package, but not a source package")
    name, version, release = (header.text(tag) for tag in (_NAME, _VERSION, _RELEASE))
    if not (name and version and release):
        raise InvalidContent("damaged RPM header: name, version or release is missing")
    return SourceHeader(
        name=name,
        epoch=_first(header, _EPOCH),
        version=version,
        release=release,
        exclusive_arch=tuple(header.texts(_EXCLUSIVE_ARCH)),
        exclude_arch=tuple(header.texts(_EXCLUDE_ARCH)),
        compressor=header.text(_PAYLOAD_COMPRESSOR) or "gzip",
        payload_format=header.text(_PAYLOAD_FORMAT) or "cpio",
        digests=_digests(header),
        digest_algorithm=_first(header, _DIGEST_ALGORITHM) or 1,
        is_complete=_NO_SOURCE not in header.tags and _NO_PATCH not in header.tags,
    )


def _digests(header: RpmHeader) -> dict[str, str]:
    pairs = zip(header.texts(_BASE_NAMES), header.texts(_FILE_DIGESTS), strict=False)
    return dict(pairs)


def _first(header: RpmHeader, tag: int) -> int | None:
    return next(iter(header.numbers(tag)), None)
