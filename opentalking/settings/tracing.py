"""Where traces go: the project's own setting, else the standard variables of OpenTelemetry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

TRACES_PATH = "/v1/traces"
SERVICE_NAME = "opentalking"


@dataclass(frozen=True, slots=True)
class TraceTarget:
    """A collector that takes OTLP over HTTP (protobuf); `headers` may hold its key."""

    url: str
    service_name: str = SERVICE_NAME
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def trouble(self) -> str:
        """What is wrong with it; "" when nothing is."""
        try:
            parts = urlsplit(self.url)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # no IPv6 address, no port
            is_address = False
        return (
            "" if is_address else "the address of the trace collector is not http(s)://host:port; correct it"
        )


def trace_target(own_endpoint: str, variables: Mapping[str, str]) -> TraceTarget | None:
    """The collector that is configured; None: nobody wants traces.

    Names and meanings are those of OpenTelemetry's specification ("OTLP Exporter Configuration"): an endpoint
    for all signals gets `/v1/traces` appended, one for traces is taken as it is.
    """
    endpoint = own_endpoint or variables.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    for_traces = "" if own_endpoint else variables.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
    if not endpoint and not for_traces:
        return None
    url = for_traces or endpoint.rstrip("/").removesuffix(TRACES_PATH) + TRACES_PATH
    name = variables.get("OTEL_SERVICE_NAME", "") or SERVICE_NAME
    return TraceTarget(url, name, _headers(variables.get("OTEL_EXPORTER_OTLP_HEADERS", "")))


def _headers(text: str) -> dict[str, str]:
    """`name=value,name=value`, percent-encoded; what is no pair is left out."""
    pairs = (part.partition("=") for part in text.split(","))
    return {unquote(name).strip().lower(): unquote(value).strip() for name, equals, value in pairs if equals}
