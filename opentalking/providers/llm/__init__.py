"""Chat models: any OpenAI-compatible endpoint, and the tiny built-in one."""
