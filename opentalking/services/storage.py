"""What clients and the log are told when the server's own disk does not take something."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from opentalking.core.errors import Unavailable

_log = structlog.get_logger(__name__)


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Translate an `OSError` (disk full, no permission, …) in keeping `what` into `Unavailable`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        _log.error("storage failed", what=what, exc_info=error)
        raise Unavailable(
            f"the server cannot keep {what} ({reason}); its operator must make room on its disk, or allow "
            "writing there",
            code="storage_failed",
        ) from error
