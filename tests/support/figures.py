"""Figures that tests measure on their way, for the end of the report."""

from collections.abc import Callable

Measured = Callable[[str, object], None]
"""Notes a figure by name, such as `measured("fps", 24.9)`."""
