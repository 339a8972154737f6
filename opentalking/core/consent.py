"""Whether the person whose face or voice is used has agreed, as the uploader states it."""

from typing import Literal

from opentalking.core.errors import InvalidInput

Consent = Literal["stated", "not stated"]


def consent_of(field: str | None, *, required: bool) -> Consent:
    """What a form's `consent` field says; raises `InvalidInput` for another word than true or false.

    Where it is `required`, everything but true is refused.
    """
    word = (field or "").strip().lower()
    if word not in ("", "true", "false", "1", "0"):
        raise InvalidInput("consent must be true or false")
    if word in ("true", "1"):
        return "stated"
    if required:
        raise InvalidInput("consent is required here; send consent=true when the person has agreed")
    return "not stated"
