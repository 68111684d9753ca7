"""A system call filter that takes from builds what no build needs.

Capabilities and uids already refuse most of it; the filter closes what the
kernel offers to everybody: user namespaces (the way to capabilities), key
rings, bpf, io_uring and other rich targets. The program is classic BPF as
``bwrap --seccomp`` reads it.
"""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_EQUAL = 0x15
_JUMP_GREATER_OR_EQUAL = 0x35
_JUMP_ANY_BIT = 0x45
_RETURN = 0x06

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_DENY = _ERRNO | errno.EPERM
_ABSENT = _ERRNO | errno.ENOSYS

_OFFSET_NUMBER, _OFFSET_ARCH, _OFFSET_FIRST_ARGUMENT = 0, 4, 16
_CLONE_NEWUSER = 0x10000000
_X32_BIT = 0x40000000

# Refused everywhere, as numbers of the shared table from 424 on.
_DENIED_NEW = (428, 429, 430, 431, 432, 433, 442)  # open_tree .. fspick, mount_setattr
_ABSENT_NEW = (425, 426, 427, 435)  # io_uring_*, clone3 (its flags lie behind a pointer)


@dataclass(frozen=True, slots=True)
class _Table:
    """Call numbers of one architecture.

    Attributes:
        arch: ``AUDIT_ARCH_*``.
        namespaces: clone and unshare; refused with CLONE_NEWUSER.
        denied: mount umount2 pivot_root setns add_key request_key keyctl bpf
            perf_event_open userfaultfd kexec_load kexec_file_load init_module
            finit_module delete_module open_by_handle_at, where they exist.
    """

    arch: int
    namespaces: tuple[int, ...]
    denied: tuple[int, ...]


_X86_64 = _Table(
    arch=0xC000003E,
    namespaces=(56, 272),
    denied=(165, 166, 155, 308, 248, 249, 250, 321, 298, 323, 246, 320, 175, 313, 176, 304),
)
_I386 = _Table(
    arch=0x40000003,
    namespaces=(120, 310),
    denied=(21, 22, 52, 217, 346, 286, 287, 288, 357, 336, 374, 283, 128, 350, 129, 342),
)
_AARCH64 = _Table(
    arch=0xC00000B7,
    namespaces=(220, 97),
    denied=(40, 39, 41, 268, 217, 218, 219, 280, 241, 282, 104, 294, 105, 273, 106, 265),
)
_TABLES = {"x86_64": (_X86_64, _I386), "aarch64": (_AARCH64,)}


def program(machine: str | None = None) -> bytes | None:
    """The filter for this machine, None where its call numbers are not known.

    Args:
        machine: As ``uname -m`` says; default this machine.
    """
    tables = _TABLES.get(machine or platform.machine())
    if tables is None:
        return None
    code = [_step(_LOAD, _OFFSET_ARCH)]
    for table in tables:
        body = _body(table)
        code.append(_step(_JUMP_EQUAL, table.arch, 0, len(body)))
        code += body
    code.append(_step(_RETURN, _DENY))
    return b"".join(code)


def _body(table: _Table) -> list[bytes]:
    denied = (*table.denied, *_DENIED_NEW)
    body = [_step(_LOAD, _OFFSET_NUMBER)]
    if table is _X86_64:
        body += [_step(_JUMP_GREATER_OR_EQUAL, _X32_BIT, 0, 1), _step(_RETURN, _DENY)]
    for number in denied:
        body += [_step(_JUMP_EQUAL, number, 0, 1), _step(_RETURN, _DENY)]
    for number in _ABSENT_NEW:
        body += [_step(_JUMP_EQUAL, number, 0, 1), _step(_RETURN, _ABSENT)]
    for number in table.namespaces:
        body += [
            _step(_JUMP_EQUAL, number, 0, 4),
            _step(_LOAD, _OFFSET_FIRST_ARGUMENT),
            _step(_JUMP_ANY_BIT, _CLONE_NEWUSER, 0, 1),
            _step(_RETURN, _DENY),
            _step(_RETURN, _ALLOW),
        ]
    body.append(_step(_RETURN, _ALLOW))
    return body


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
