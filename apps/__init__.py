"""Executables: they compose the library and translate for the outside; no business rules."""
