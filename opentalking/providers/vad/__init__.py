"""Who hears whether somebody speaks, and whether they have finished."""
