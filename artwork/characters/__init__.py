"""The members of the cast, one module each."""
