"""OpenTalking: a self-hosted server for real-time digital humans."""

__version__ = "0.1.0"
