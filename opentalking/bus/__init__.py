"""Buses and stores between services and engine: one module per implementation."""
