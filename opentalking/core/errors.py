"""The one exception tree of the project.

`apps/api/errors.py` maps these classes to HTTP statuses and WebSocket close codes; the
engine maps them to `error` events.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class OpenTalkingError(Exception):
    """A failure that a person can act on: `code` is stable, `message` is for people."""

    default_code = "internal_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.log_message = message
        """`message` as logs may show it: without what a service said, which may repeat somebody's words."""
        self.code = code or self.default_code


class InvalidInput(OpenTalkingError):
    """The request cannot be understood or breaks a limit of content (400)."""

    default_code = "invalid_input"


class Forbidden(OpenTalkingError):
    """The asset exists, but this operation is not allowed on it (403)."""

    default_code = "forbidden"


class NotFound(OpenTalkingError):
    """The named thing does not exist (404)."""

    default_code = "not_found"


class Conflict(OpenTalkingError):
    """The thing exists, but is in the wrong state (409)."""

    default_code = "conflict"


class TooLarge(OpenTalkingError):
    """The body exceeds a size limit (413)."""

    default_code = "too_large"


class TooMany(OpenTalkingError):
    """A limit per client or per session is reached (429)."""

    default_code = "too_many"

    def __init__(self, message: str, *, code: str | None = None, retry_after_seconds: int = 5) -> None:
        super().__init__(message, code=code)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(OpenTalkingError):
    """The server is full, or no worker is there (503)."""

    default_code = "unavailable"

    def __init__(self, message: str, *, code: str | None = None, retry_after_seconds: int = 5) -> None:
        super().__init__(message, code=code)
        self.retry_after_seconds = retry_after_seconds


class ProviderError(OpenTalkingError):
    """A stage's provider failed (502, or an `error` event `<stage>_failed`).

    `stage` is one of "llm", "tts", "stt", "render"; `retryable` says that the same call may
    succeed later. `code` is `<stage>_failed` unless given. `said` is what a service outside said of it: it
    follows in `message`, for people, and not in `log_message`.
    """

    default_code = "provider_failed"

    def __init__(
        self,
        message: str,
        *,
        stage: str,
        provider: str,
        retryable: bool = False,
        code: str = "",
        said: str = "",
    ) -> None:
        super().__init__(f"{message}: {said}" if said else message, code=code or f"{stage}_failed")
        self.log_message = message
        self.stage = stage
        self.provider = provider
        self.retryable = retryable


@contextmanager
def provider_errors(stage: str, provider: str, *catch: type[Exception]) -> Iterator[None]:
    """Translate I/O failures of a provider into `ProviderError`.

    Always translated: `OSError`, `TimeoutError`, `EOFError`; `catch` adds a library's own exceptions.
    """
    caught: tuple[type[Exception], ...] = (OSError, EOFError, *catch)
    try:
        yield
    except OpenTalkingError:
        raise
    except TimeoutError as error:
        raise ProviderError(
            f"{provider} did not answer in time: {error}".removesuffix(": "),
            stage=stage,
            provider=provider,
            retryable=True,
        ) from error
    except caught as error:
        raise ProviderError(
            f"{provider}: {error}" if str(error) else f"{provider}: {type(error).__name__}",
            stage=stage,
            provider=provider,
            retryable=True,
        ) from error
