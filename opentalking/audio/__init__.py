"""Pure functions on sound: resampling, containers, pieces."""
