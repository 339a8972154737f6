"""The vector rig of the demo avatar."""
