"""Where calls may go, and where they may not.

A name is checked as it is spelled, and each address that it stands for before anybody connects
to it: what is called is a service on the internet, never something in our own network.
"""

import re
import socket
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

from demand_core.errors import WiringError

Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""The addresses of a host; raises OSError when there are none."""

_NAME: Final = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]"
_PATH: Final = r"(?:/[A-Za-z0-9._~-]+)*"
_PUBLIC: Final = re.compile(rf"https://({_NAME})(?::443)?{_PATH}")
_LOOPBACK: Final = re.compile(
    rf"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{{1,5}})?{_PATH}"
)

# Where IPv6 has its public addresses, and where it wraps those of IPv4.
_UNICAST: Final = IPv6Network("2000::/3")
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")


def check_url(url: str, hosts: Iterable[str], *, loopback: bool) -> None:
    """Raise WiringError unless calls may go to *url*, which is not shown: it may hold a secret.

    That is a name of *hosts*, by https on its own port; or with *loopback* any name, by http
    as well, whose addresses must all be this machine's.
    """
    found = (_LOOPBACK if loopback else _PUBLIC).fullmatch(url)
    if not found:
        form = "http://127.0.0.1:8080" if loopback else "https://api.example.com"
        raise WiringError(f"an address of a service looks like {form}, and has no user in it")
    if not loopback and found[1] not in hosts:
        raise WiringError(f"{found[1]} is not among the hosts that may be called")


def is_public(address: str) -> bool:
    """Whether *address* is the internet's; one that is wrapped counts as what is inside."""
    inner = _unwrapped(address)
    if isinstance(inner, IPv6Address):
        return inner.is_global and inner in _UNICAST and inner.sixtofour is None
    return inner.is_global and not inner.is_multicast


def is_loopback(address: str) -> bool:
    """Whether *address* is this machine's own."""
    return _unwrapped(address).is_loopback


def _unwrapped(address: str) -> IPv4Address | IPv6Address:
    found = ip_address(address)
    if isinstance(found, IPv6Address) and found in _TRANSLATED:
        return IPv4Address(int(found) & 0xFFFF_FFFF)
    return getattr(found, "ipv4_mapped", None) or found


def resolved(host: str, port: int) -> Sequence[str]:
    """What the resolver of this machine says, each address once; it takes the time it takes."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [*dict.fromkeys(str(address[0]) for *_, address in found)]
