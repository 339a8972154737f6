"""The parts of a picture that move: built once for each portrait."""
