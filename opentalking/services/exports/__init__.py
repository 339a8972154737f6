"""Offline bundles: films of what a session has said, or of a sound file, rendered beside the live media."""
