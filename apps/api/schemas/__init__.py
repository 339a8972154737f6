"""Request and response models of the API, and nothing else."""
