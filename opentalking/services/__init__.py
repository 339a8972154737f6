"""Use cases that the routes call: checks, then a typed command on the bus, or files and providers."""
