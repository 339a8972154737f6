"""The `opentalking` command."""
