"""Talking-head renderers."""
