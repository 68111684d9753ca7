"""The ref advertisement of protocol version 0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .objects import ObjectStore
from .parsing import tag_target
from .pktline import FLUSH, packet
from .refs import MAIN

_NO_OBJECT = "0" * 40
_TAG_CHAIN = 8


def advertisement(
    refs: Mapping[str, str], capabilities: Sequence[str], objects: ObjectStore | None = None
) -> Iterator[bytes]:
    """List refs the way ``upload-pack`` and ``receive-pack`` do.

    Args:
        refs: Names and object ids, in the order to show.
        capabilities: Sent with the first line.
        objects: For fetching: adds HEAD and peels tags. None for pushing.

    Yields:
        Packets, a flush at the end.
    """
    lines = list(refs.items())
    words = list(capabilities)
    if objects is not None and MAIN in refs:
        lines.insert(0, ("HEAD", refs[MAIN]))
        words.append(f"symref=HEAD:{MAIN}")
    if not lines:
        lines.append(("capabilities^{}", _NO_OBJECT))
    extra = "\0" + " ".join(words)
    for name, oid in lines:
        yield packet(f"{oid} {name}{extra}\n".encode())
        extra = ""
        if objects is not None and name.startswith("refs/tags/"):
            peeled = _peeled(objects, oid)
            if peeled != oid:
                yield packet(f"{peeled} {name}^{{}}\n".encode())
    yield FLUSH


def _peeled(objects: ObjectStore, oid: str) -> str:
    for _ in range(_TAG_CHAIN):
        found = objects.find(oid)
        if found is None or found.kind != "tag":
            break
        oid = tag_target(found.data).oid
    return oid
