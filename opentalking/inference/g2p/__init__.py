"""From text to the phonemes of a voice model."""
