"""Words of the domain: types, errors, events, commands and protocols, without I/O."""
