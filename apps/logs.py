"""Structured logs: one line per event, JSON for machines and colours for people."""

import logging
import sys
from typing import Any, Literal

import structlog

OWN = ("apps", "opentalking")
"""Loggers that may write at DEBUG."""
CHATTY = ("aioice", "aiortc", "httpx", "httpcore", "httpx2", "openai", "libav", "uvicorn")
"""Loggers that say too much below WARNING; uvicorn's shows the queries of WebSockets."""
_SECRETS = ("api_key", "authorization", "password", "credential", "token")


def configure(level: str, form: Literal["auto", "json", "console"]) -> None:
    """Send the structured and the plain log to standard error in one form."""
    is_console = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
    ]
    # Plain tracebacks: the fancy ones show local variables, and with them what users said.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer = plain if is_console else structlog.processors.JSONRenderer()
    final: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if not is_console:
        final.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[*final, renderer])
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # At DEBUG, libraries write down what passes through them: headers with keys, texts, parts of uploads.
    root.setLevel("INFO" if level == "DEBUG" else level)
    for own in OWN:
        logging.getLogger(own).setLevel(level)
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for repetitive in ("asyncio", "opentelemetry"):
        logging.getLogger(repetitive).setLevel(logging.ERROR)


def _hide_secrets(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    return {key: "***" if value and _is_secret(key, value) else value for key, value in event.items()}


def _is_secret(key: str, value: object) -> bool:
    is_time = key.endswith("_ms") and isinstance(value, int | float)  # `first_token_ms`
    return not is_time and any(secret in key.lower() for secret in _SECRETS)
