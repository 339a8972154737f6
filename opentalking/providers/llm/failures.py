"""Failures of an OpenAI-compatible endpoint, told so that a person can act on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import openai

from opentalking.core.errors import ProviderError
from opentalking.providers.llm.answer import MalformedAnswer

_MAX_UPSTREAM_CHARACTERS = 300
_RETRYABLE_STATUSES = frozenset([408, 409, 425, 429])
_HINTS = {
    401: "refused the API key",
    403: "does not allow this request",
    404: "does not know this model or path",
    429: "is over its limit",
}


@dataclass(frozen=True, slots=True)
class Upstream:
    """Whom a failure is about; the key is known only to be kept out of messages.

    `stage` is what the endpoint is used for, `answer` what it is asked for.
    """

    provider: str
    base_url: str
    api_key: str = field(repr=False)
    label: str = ""
    stage: str = "llm"
    answer: str = "a chat completion"

    def error(self, message: str, *, retryable: bool, said: str = "") -> ProviderError:
        """A failure of this endpoint, named by its host, and what the endpoint `said` of it."""
        return ProviderError(
            self.clean(f"{self.label or self.host}: {message}"),
            stage=self.stage,
            provider=self.provider,
            retryable=retryable,
            said=self.clean(said),
        )

    @property
    def host(self) -> str:
        """Host and port, without user names and paths."""
        parts = urlsplit(self.base_url)
        try:
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            port = ""
        return f"{parts.hostname or self.base_url}{port}"

    def clean(self, text: str) -> str:
        """`text` on one line, without the key, shortened."""
        if self.api_key:
            text = text.replace(self.api_key, "***")
        text = " ".join(text.split())
        return text if len(text) <= _MAX_UPSTREAM_CHARACTERS else text[: _MAX_UPSTREAM_CHARACTERS - 1] + "…"

    @contextmanager
    def errors(self, waiting_for: str) -> Iterator[None]:
        """Translate whatever the SDK raises while it waits for `waiting_for` into `ProviderError`."""
        try:
            yield
        except (TimeoutError, openai.APITimeoutError) as error:
            raise self.error(f"no {waiting_for} within {error}", retryable=True) from error
        except openai.APIStatusError as error:
            raise self._status_error(error) from error
        except openai.APIConnectionError as error:
            cause = str(error.__cause__ or "") or error.message
            raise self.error(
                f"connection failed while waiting for {waiting_for}: {cause}", retryable=True
            ) from error
        except openai.APIError as error:
            raise self.error("reported an error", retryable=True, said=error.message) from error
        except MalformedAnswer as error:
            raise self.error(error.message, retryable=False, said=error.said) from error
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            # The SDK parses what it is sent without checking it first.
            message = f"sent something that is not {self.answer}"
            raise self.error(message, retryable=False, said=str(error)) from error
        except (OSError, openai.OpenAIError) as error:
            raise self.error(str(error) or type(error).__name__, retryable=True) from error

    def _status_error(self, error: openai.APIStatusError) -> ProviderError:
        status = error.status_code
        hint = _HINTS.get(status, "failed" if status >= 500 else "refused the request")
        return self.error(
            f"{hint} ({status})",
            retryable=status >= 500 or status in _RETRYABLE_STATUSES,
            said=upstream_text(error.body, error.message),
        )


def upstream_text(body: object, otherwise: str) -> str:
    """The message inside an error body, however deep the endpoint has put it.

    Of a list of faults what each one says and where; not what it repeats of the request, as nobody needs to
    be told that.
    """
    if isinstance(body, list):
        return "; ".join(_fault(item) for item in body)
    if isinstance(body, str) and body.strip():
        return body
    if isinstance(body, dict):
        for name in ("message", "error", "detail"):
            if body.get(name):
                return upstream_text(body[name], str(body[name]))
    return otherwise


def _fault(item: object) -> str:
    if not isinstance(item, dict):
        return "a fault"
    place = item.get("loc")
    where = ".".join(map(str, place)) if isinstance(place, list) else ""
    return ": ".join(filter(None, (where, str(item.get("msg") or item.get("message") or "a fault"))))
