"""`opentalking bench`: what this machine does, measured at the receiving end of a real server."""

from apps.cli.bench.main import main

__all__ = ["main"]
