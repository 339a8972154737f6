"""Pure functions on text: sentence splitting and what a voice should speak."""
