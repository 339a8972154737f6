"""WebRTC: the only package that knows aiortc."""
