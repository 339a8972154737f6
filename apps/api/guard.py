"""What stands before the routes: keys, limits per client, and who may frame the page."""

from dataclasses import dataclass, field

from apps.api.access_tokens import KeyRing
from apps.api.client_limits import ClientPlaces
from apps.api.clients import PeerNames


@dataclass(slots=True)
class Guard:
    """By default everybody may do everything, as much as they like."""

    ring: KeyRing | None = None
    peers: PeerNames = field(default_factory=PeerNames)
    places: ClientPlaces = field(default_factory=ClientPlaces)
    frame_ancestors: str = "'self'"
    max_connections: int = 0
