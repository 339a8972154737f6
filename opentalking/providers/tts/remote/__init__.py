"""Voices that speak at a service on the network; each is a `TextToSpeech`."""
