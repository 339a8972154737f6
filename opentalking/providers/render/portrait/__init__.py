"""The embedded talking head: one picture, animated on the CPU with numpy and OpenCV."""

from opentalking.providers.render.portrait.renderer import PortraitConfig, PortraitFace, PortraitRenderer

__all__ = ["PortraitConfig", "PortraitFace", "PortraitRenderer"]
