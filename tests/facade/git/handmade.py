"""Push requests and packs that no git client would make."""

import hashlib
import zlib

import requests

from storage.git.pktline import FLUSH, packet
from tests.facade.git.conftest import PASSWORD

ZERO = "0" * 40


def raw_push(door, body, **headers):
    """Send a hand-made request as anna."""
    return requests.post(
        door.url() + "/git-receive-pack",
        data=body,
        auth=("anna", PASSWORD),
        headers={"Content-Type": "application/x-git-receive-pack-request", **headers},
        timeout=30,
    )


def command(old, new, ref, capabilities="report-status"):
    return packet(f"{old} {new} {ref}\0 {capabilities}".encode()) + FLUSH


def objects_pack(*objects):
    """A pack of (kind number, content)."""
    parts = [b"PACK" + (2).to_bytes(4, "big") + len(objects).to_bytes(4, "big")]
    for kind, data in objects:
        size = len(data)
        first, size = (kind << 4) | (size & 15), size >> 4
        head = bytearray()
        while size:
            head.append(first | 0x80)
            first, size = size & 0x7F, size >> 7
        head.append(first)
        parts += [bytes(head), zlib.compress(data)]
    raw = b"".join(parts)
    return raw + hashlib.sha1(raw).digest()


def oid(kind, data):
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data).hexdigest()


def made_commit(tree, *parents):
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [f"{who} Eve <eve@example.org> 1700000000 +0000" for who in ("author", "committer")]
    return ("\n".join(lines) + "\n\nevil\n").encode()


def tree_of(*entries):
    return b"".join(b"%s %s\0%s" % (mode, name, bytes.fromhex(sha)) for mode, name, sha in entries)


BLOB = b"content\n"
BLOB_ID = oid("blob", BLOB)
