"""API and worker in one process, over the memory bus."""
