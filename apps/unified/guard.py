"""What stands before the API, from settings."""

import re

from apps.api.access_tokens import KeyRing, parse_keys, parse_secret
from apps.api.client_limits import ClientLimits, ClientPlaces
from apps.api.clients import PeerNames, parse_networks
from apps.api.guard import Guard
from opentalking.settings import Settings

_SOURCES = re.compile(r"[A-Za-z0-9:/.*'\[\]\- ]+")


def make_guard(settings: Settings) -> Guard:
    """The guard as configured; raises `ValueError` for settings that cannot work, without secrets."""
    keys = parse_keys(settings.api_keys.get_secret_value())
    secret = parse_secret(settings.api_token_secret.get_secret_value())
    if not _SOURCES.fullmatch(settings.frame_ancestors):
        raise ValueError("OPENTALKING_FRAME_ANCESTORS must look like: 'self' https://example.org")
    limits = ClientLimits(
        sessions=settings.client_max_sessions,
        requests=settings.client_max_requests,
        uploads=settings.client_max_uploads,
        previews=settings.client_max_previews,
    )
    return Guard(
        ring=KeyRing(keys, secret, settings.api_token_seconds) if keys else None,
        peers=PeerNames(parse_networks(settings.trusted_proxies)),
        places=ClientPlaces(limits),
        frame_ancestors=settings.frame_ancestors,
        max_connections=settings.max_connections,
    )
