"""Who a request comes from: the key it showed, else the address of its peer."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
CLIENT = "opentalking.client"
"""Key of the ASGI scope under which the client's name is found."""


def parse_networks(text: str) -> tuple[Network, ...]:
    """A comma list of addresses and networks; raises `ValueError` with the remedy."""
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueError(
            f"OPENTALKING_TRUSTED_PROXIES: {error}; give addresses or networks such as 10.0.0.0/8"
        ) from error


def client_of(scope: Scope) -> str:
    """The name of the client whose request this is."""
    return str(scope[CLIENT])


@dataclass(frozen=True, slots=True)
class PeerNames:
    """Names a peer by its address; IPv6 addresses of one /64 are one peer.

    `X-Forwarded-For` counts only when it was added by a proxy in `trusted`: the client is the
    last address in it that is not such a proxy.
    """

    trusted: tuple[Network, ...] = ()

    def name(self, scope: Scope) -> str:
        """The name of the peer of a request."""
        peer = (scope.get("client") or ("unknown",))[0]
        if self._is_trusted(peer):
            forwarded = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))
            hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
            peer = next((hop for hop in reversed(hops) if not self._is_trusted(hop)), peer)
        return f"peer:{_whole(peer)}"

    def _is_trusted(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and _any_contains(self.trusted, parsed)


def _any_contains(
    networks: Iterable[Network], address: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> bool:
    return any(address in network for network in networks)


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def _whole(address: str) -> str:
    parsed = _parse(address)
    if parsed is None:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
