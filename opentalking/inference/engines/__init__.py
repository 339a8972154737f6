"""Programs that run as children of `InferenceProcess`; only they import a model runtime."""
