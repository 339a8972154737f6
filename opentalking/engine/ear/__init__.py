"""Listening to a microphone: who has the floor, what was said, and when the avatar falls silent."""

from opentalking.engine.ear.ear import Ear
from opentalking.engine.ear.parts import EarParts, EarWays

__all__ = ["Ear", "EarParts", "EarWays"]
