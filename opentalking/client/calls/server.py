"""The server itself and its models."""

from opentalking.client.models import Health, Healthz, Models, QueueStatus, Token
from opentalking.client.wire import Call, body, endpoint, parsed, sent


@endpoint("GET /health")
def get_health() -> Call[Health]:
    """What the server can do as it is configured."""
    return Call("GET", "/health", parsed(Health))


@endpoint("GET /healthz")
def get_healthz() -> Call[Healthz]:
    """Whether the server is up."""
    return Call("GET", "/healthz", parsed(Healthz))


@endpoint("GET /queue/status")
def get_queue_status() -> Call[QueueStatus]:
    """Whether a new session would have to wait."""
    return Call("GET", "/queue/status", parsed(QueueStatus))


@endpoint("GET /models")
def list_models() -> Call[Models]:
    """The talking-head models and whether each can be used now."""
    return Call("GET", "/models", parsed(Models))


@endpoint("GET /metrics")
def get_metrics() -> Call[bytes]:
    """The server's figures, as text for Prometheus."""
    return Call("GET", "/metrics", body)


@endpoint("POST /auth/token")
def create_token(*, session_id: str | None = None) -> Call[Token]:
    """A token for a browser, which must not know the API key; `session_id`: good for this session only."""
    return Call("POST", "/auth/token", parsed(Token), json=sent(session_id=session_id))
