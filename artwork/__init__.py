"""The cast: original characters, drawn from code with one vector rig."""
