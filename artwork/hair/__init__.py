"""Hair styles."""
