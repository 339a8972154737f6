"""Pictures drawn from code."""
