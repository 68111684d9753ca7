"""Which network addresses a stranger's URL may lead to.

The house stands inside a network it must not open to callers: whoever can name
a URL must not reach the loopback, private networks or a cloud's metadata
service, neither directly nor by a redirect or a DNS answer that changes.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from storage.errors import InvalidInput

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class UnreachableSource(InvalidInput):
    """A source cannot be fetched: refused address, failed connection, wrong answer."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Resolves names once and checks every answer.

    Attributes:
        private_networks: Whether private and loopback addresses are reachable too.
    """

    private_networks: bool = False

    def resolve(self, host: str, port: int) -> str:
        """The one address to connect to; the name is not looked up again.

        Raises:
            UnreachableSource: No such host, or one of its addresses is not allowed.
        """
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise UnreachableSource(f"host '{host[:100]}' is not known") from None
        found = [str(answer[4][0]) for answer in answers]
        for text in found:
            if not self.allows(text):
                raise UnreachableSource(
                    f"host '{host[:100]}' has an address in a private network",
                    hint="the setting private_networks allows it",
                )
        if not found:
            raise UnreachableSource(f"host '{host[:100]}' is not known")
        return found[0]

    def allows(self, address: str) -> bool:
        """Whether one address may be connected to."""
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if parsed.is_multicast or parsed.is_unspecified:
            return False
        return self.private_networks or all(_is_public(each) for each in _meant(parsed))


def _meant(address: _Address) -> list[_Address]:
    """The address and the IPv4 addresses hidden in it."""
    found: list[_Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        hidden = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            hidden.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        found += [each for each in hidden if each is not None]
        if address.ipv4_mapped is not None:
            found.remove(address)
    return found


def _is_public(address: _Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved
