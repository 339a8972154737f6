"""Implementations of the protocols in `opentalking.core.providers`."""
