"""Files and rows that outlive a session: avatar bundles."""
