"""Addresses of clients, as far as they tell one client from another. Pure."""

from ipaddress import IPv6Address
from typing import Final

_HOST_BITS: Final = 64


def household(address: str) -> str:
    """What stands for all addresses that one client has at hand: its own of IPv4, the network of 64 bits of IPv6.

    Whoever has an IPv6 address mostly has all of its network, so a limit for each address would be none:
    https://www.rfc-editor.org/rfc/rfc6177
    """
    if ":" not in address:
        return address
    given = IPv6Address(address)
    if given.ipv4_mapped is not None:
        return str(given.ipv4_mapped)
    return str(IPv6Address(int(given) >> _HOST_BITS << _HOST_BITS))
