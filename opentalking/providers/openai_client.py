"""The client of OpenAI's SDK, for any endpoint that speaks its protocols."""

from ipaddress import ip_address
from urllib.parse import urlsplit

import openai

_CONNECT_TIMEOUT_SECONDS = 5.0


def openai_client(
    base_url: str, api_key: str, timeout_seconds: float, *, max_retries: int = 0
) -> openai.AsyncOpenAI:
    """A client that takes nothing but its arguments into account, proxies of the environment apart."""
    timeout = openai.Timeout(timeout_seconds, connect=_CONNECT_TIMEOUT_SECONDS)
    http_client = None
    if is_loopback(base_url):
        # A proxy from the environment must not get between this machine and itself. Connections are not
        # kept: they cost nothing here, and a small server closes them just when they are used again.
        http_client = openai.DefaultAsyncHttpxClient(
            trust_env=False, timeout=timeout, headers={"Connection": "close"}
        )
    client = openai.AsyncOpenAI(
        base_url=base_url,
        api_key=api_key or "none",  # an empty one would make the SDK look into the environment
        timeout=timeout,
        max_retries=max_retries,
        http_client=http_client,
    )
    # Taken from the environment by the SDK; they are no business of another endpoint.
    client.organization = client.project = None
    return client


def is_loopback(url: str) -> bool:
    """Whether an address names this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
