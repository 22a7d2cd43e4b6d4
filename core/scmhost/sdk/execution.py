"""What the host grants a running hook: the time that is left, and the addresses that it may connect to."""

import math
import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from time import monotonic
from typing import Final, Protocol

DEADLINE: Final[ContextVar[float]] = ContextVar("scmhost_deadline", default=math.inf)
"""When the budget of the I/O hook that runs now ends, by ``time.monotonic``. The host and the suite set it."""


def remaining_seconds() -> float:
    """Return how long the I/O hook that runs now may still take, in seconds; 0 when its budget is used up.

    Pass it as the timeout of requests, so that several of them stay within the budget together. Outside of an I/O hook
    it is infinite.
    """
    return max(0.0, DEADLINE.get() - monotonic())


class ByteStream(Protocol):
    """An answer of ``urllib``, or another binary stream."""

    def read1(self, size: int, /) -> bytes:
        """Return at least one byte as soon as there is one, and at most ``size``; empty at the end."""


def read_answer(answer: ByteStream, most_bytes: int) -> bytes:
    """Return the whole body of an answer, such as that of ``urlopen``, within the time that the hook has left.

    The timeout of a client is usually that of each read: a code host that sends a byte from time to time would keep the
    hook for ever.

    Raises:
        TimeoutError: the hook has no time left.
        ValueError: the body has more than ``most_bytes``.
    """
    body = b""
    while piece := answer.read1(most_bytes + 1 - len(body)):
        body += piece
        if len(body) > most_bytes:
            raise ValueError(f"the answer has more than {most_bytes:,} bytes")
        if not remaining_seconds():
            raise TimeoutError("the answer did not end in time")
    return body


Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?")
# RFC 6052: the last 32 bits are an IPv4 address, which a gateway connects to.
_NAT64: Final = ip_network("64:ff9b::/96")
# Special-purpose networks that some patch releases of Python count as global.
_SPECIAL: Final = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48")))


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """Which connections the operator allows to plugins.

    Attributes:
        deny_private: whether addresses that are not public are refused.
        allow: hosts by name, in lower case, whose addresses are allowed nevertheless.
        networks: networks whose addresses are allowed nevertheless.
    """

    deny_private: bool = False
    allow: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, *, deny_private: bool, allow: Iterable[str] = ()) -> "OutboundPolicy":
        """Return a policy whose exceptions are names of hosts, addresses, or networks such as ``10.1.0.0/16``.

        Raises:
            ValueError: an exception is none of these. The text has the fix.
        """
        read = [allowed_host(entry) for entry in allow]
        names = frozenset(entry for entry in read if isinstance(entry, str))
        return cls(deny_private, names, tuple(entry for entry in read if not isinstance(entry, str)))

    def allows(self, host: str, addresses: Iterable[str]) -> bool:
        """Return whether a plugin may connect to a host that has these addresses.

        One refused address refuses the host: a name that has a public and a private address is an attack, or a mistake.
        """
        if not self.deny_private or host.lower().rstrip(".") in self.allow:
            return True
        return all(self._allows_address(_address(text)) for text in addresses)

    def _allows_address(self, address: Address) -> bool:
        inner = _embedded(address)
        return is_public(inner) or any(inner in network for network in self.networks)


ANY_ADDRESS: Final = OutboundPolicy()

OUTBOUND: Final[ContextVar[OutboundPolicy]] = ContextVar("scmhost_outbound", default=ANY_ADDRESS)
"""The operator's policy for the I/O hook that runs now. The host sets it."""


def allowed_host(entry: str) -> str | Network:
    """Return an entry of ``allow``: a network, or the name of a host in lower case.

    Raises:
        ValueError: it is neither.
    """
    try:
        return ip_network(entry.strip("[]"))
    except ValueError:
        name = entry.lower().rstrip(".")
    # Digits at the end would be an address that is not complete, or a network with bits of a host.
    if not _HOST.fullmatch(name) or name.rpartition(".")[2].isdigit():
        raise ValueError(
            f"{entry!r} is no host; write a name such as git.example.com without scheme, port and path, an address, "
            "or a network such as 10.1.0.0/16"
        )
    return name


def is_public(address: Address) -> bool:
    """Return whether an address belongs to the public internet.

    Not public are private, loopback, link-local, shared (RFC 6598), multicast, reserved, documentation and unspecified
    addresses, by IANA's special-purpose registries. An IPv4 address inside of an IPv6 address counts itself.
    """
    inner = _embedded(address)
    refused = inner.is_multicast or inner.is_reserved or inner.is_private or inner.is_loopback or inner.is_link_local
    special = getattr(inner, "is_site_local", False) or any(inner in network for network in _SPECIAL)
    return inner.is_global and not refused and not special


def _address(text: str) -> Address:
    # The scope of a link-local address, as in fe80::1%eth0, is not part of it.
    return ip_address(text.partition("%")[0])


def _embedded(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address leads to, as translators and tunnels do; else the address."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address
