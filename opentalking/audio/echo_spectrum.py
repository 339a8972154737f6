"""Fourier transforms of several frames in one call: the call costs more than a frame."""

import cv2
import numpy as np

from opentalking.audio.echo_bands import FRAME

_FORWARD = cv2.DFT_ROWS
_BACKWARD = cv2.DFT_ROWS | cv2.DFT_INVERSE | cv2.DFT_SCALE


class Batch:
    """Real frames, (rows, `FRAME`) float32, and their spectra, (rows, `BINS`) complex64; both may be written.

    OpenCV packs a spectrum into as many reals as the frame has, so that the bins between the first and the
    last are complex numbers side by side. The first (0 Hz) and the last (8 kHz) are in no band: going back
    takes them as they were left by the transform, or as zero.
    """

    def __init__(self, rows: int) -> None:
        self.frames = np.zeros((rows, FRAME), np.float32)
        self._packed = np.zeros((rows, FRAME), np.float32)
        self.spectra = self._packed[:, 1:-1].view(np.complex64)

    def transform(self, rows: int) -> None:
        """Compute the spectra of the first `rows` frames."""
        cv2.dft(self.frames[:rows], self._packed[:rows], flags=_FORWARD)

    def invert(self, rows: int) -> None:
        """Compute the frames of the first `rows` spectra."""
        cv2.dft(self._packed[:rows], self.frames[:rows], flags=_BACKWARD)
