"""Local models in processes of their own, and the model files as data."""
