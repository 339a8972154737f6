"""Whether anybody but the avatar is heard, and what of a block is left to hear."""

import numpy as np

from opentalking.audio.echo_bands import BANDS, BLOCK, Power, Wave, spread

_POINTS = 65
_TAPS = 64
_SPREAD = spread(_POINTS)
_FADE = np.linspace(0, 1, BLOCK, dtype=np.float32)
_VOICE = slice(1, 18)
"""The bands that tell a voice: about 200 to 4000 Hz."""
_VOICES = _VOICE.stop - _VOICE.start
_OPEN, _STAY_OPEN = 0.35, 0.1
_SURE = -0.47
_HOLD_BLOCKS = 18
_LOWEST, _HIGHEST = np.float32(-0.5), np.float32(3)
_UNLIKE, _ALIKE = 0.7, 0.9
_MISFIT, _FIT = 0.3, 0.65
_LEAST_GAIN = np.float32(0.3)
_NOISE_RISE = np.float32(1.012)
_LEAST_NOISE = np.float32(2e-3)


def _share(value: float, none: float, full: float) -> float:
    return min(1.0, max(0.0, (value - none) / (full - none)))


class Gate:
    """Shut while all that is heard may be echo; open, it takes the likely echo out of each band."""

    def __init__(self) -> None:
        self.open = False
        self.evidence = 0.0
        self._alike = 0.0
        self._hold = 0
        self._noise = np.full(BANDS, 1.0, np.float32)
        self._smooth = np.zeros(BANDS, np.float32)
        self._taps: Wave | None = None
        self._before = np.zeros(_TAPS - 1, np.float32)

    @property
    def is_sure(self) -> bool:
        """Whether it is shut, and far from opening."""
        return not self.open and self._taps is None and self.evidence < _SURE

    def rest(self) -> None:
        """There is no echo: the next block that may have one begins anew."""
        self.open = False

    def judge(self, heard: Power, echo: Power, alike: float, fit: float) -> None:
        """Weigh one block: what is left, what of it may be echo (band powers), how alike they are."""
        self._smooth += np.float32(0.6) * (heard - self._smooth)
        self._noise = np.maximum(np.minimum(self._smooth, self._noise * _NOISE_RISE), _LEAST_NOISE)
        excess = np.log((self._smooth + _LEAST_NOISE) / (echo + np.float32(4) * self._noise))
        said = float(np.minimum(np.maximum(excess[_VOICE], _LOWEST), _HIGHEST).sum()) / _VOICES
        self._alike += 0.4 * (max(alike, 0.0) - self._alike)
        if said > 0:
            said *= _share(self._alike, _ALIKE, _UNLIKE) * _share(fit, _MISFIT, _FIT)
        self.evidence += 0.5 * (said - self.evidence)
        if self.evidence > (_STAY_OPEN if self.open else _OPEN):
            self.open, self._hold = True, _HOLD_BLOCKS
        elif self._hold:
            self._hold -= 1
        else:
            self.open = False

    def shape(self, block: Wave, heard: Power, echo: Power) -> Wave | None:
        """The block, `BLOCK` samples, without the bands in which echo rules; None, silence, while shut."""
        before, self._before = self._before, block[BLOCK - _TAPS + 1 :]
        if not self.open and self._taps is None:
            return None
        taps = self._minimum_phase(heard, echo) if self.open else None
        sound = np.concatenate([before, block])
        filtered = np.zeros(BLOCK, np.float32)
        if self._taps is not None:
            filtered += np.convolve(sound, self._taps, "valid") * _FADE[::-1]
        if taps is not None:
            filtered += np.convolve(sound, taps, "valid") * _FADE
        self._taps = taps
        return filtered

    def _minimum_phase(self, heard: Power, echo: Power) -> Wave:
        """Taps of the band gains, without delay: the folded cepstrum (Oppenheim and Schafer)."""
        gains = np.clip(1 - np.float32(1.0) * echo / (heard + np.float32(1e-6)), _LEAST_GAIN, 1)
        cepstrum = np.fft.irfft(_SPREAD @ np.log(gains))
        cepstrum[1:_TAPS] *= 2
        cepstrum[_TAPS + 1 :] = 0
        taps = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))[:_TAPS]
        return np.asarray(taps, np.float32)
