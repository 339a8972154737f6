"""Services that make voices from samples."""
