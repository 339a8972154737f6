"""Mouth shapes from sound alone: features, the network and the stream of shapes."""
