"""How much of what is heard may be echo."""

import numpy as np

from opentalking.audio.echo_bands import BANDS, Power

_FADES = np.float32(0.6)
"""How a room goes on sounding, block by block, where the filter says nothing: −2.2 dB, RT60 of 0.5 s."""
_LEAK_FALLS = np.float32(0.01)
_LEAK_RISES, _LEAK_RISES_ALIKE = 0.003, 0.1
_MOST_LEAK = np.float32(4)
_UNLIKE, _ALIKE = 0.55, 0.75
_COUPLING_FALLS = 0.93
_LEAST_COUPLING = 1e-5
_TINY = np.float32(1e-3)


class KnownEcho:
    """The echo that a filter leaves behind, judged by what it left of late."""

    def __init__(self) -> None:
        self._leak = np.ones(BANDS, np.float32)
        self._predicted = np.zeros(BANDS, np.float32)

    def bound(self, unsure: Power, predicted: Power) -> Power:
        """The most echo that is left: of what the filter may be wrong by, and of what it took out."""
        np.maximum(predicted, _FADES * self._predicted, out=self._predicted)
        return unsure + self._leak * self._predicted

    def learn(self, heard: Power, alike: float) -> None:
        """Nobody else is heard: `heard` was left. The more it is `alike` the far end, the surer is that."""
        share = min(1.0, max(0.0, (alike - _UNLIKE) / (_ALIKE - _UNLIKE)))
        ratio = np.minimum(heard / (self._predicted + _TINY), _MOST_LEAK)
        rises = np.float32(_LEAK_RISES + share * _LEAK_RISES_ALIKE)
        self._leak += np.where(ratio > self._leak, rises, _LEAK_FALLS) * (ratio - self._leak)


class UnknownEcho:
    """The echo while nobody knows its delay: at most as loud as the loudest of what was played lately.

    It becomes less while that stays unheard, and while what is heard is unlike it.
    """

    def __init__(self) -> None:
        self._coupling = 1.0

    def bound(self, heard: Power, far: Power, alike: float, *, searched: bool) -> Power:
        """The most echo in the block whose band powers are `heard`; `far`: of what was played, at each delay.

        `searched`: there was sound enough to find an echo, and none was found.
        """
        loudest = np.asarray(far.max(0), np.float32)
        total = float(loudest.sum())
        if total > 1:
            ratio = min(1.0, 2 * float(heard.sum()) / total)
            if alike > _UNLIKE or ratio < self._coupling or searched:
                floor = _LEAST_COUPLING if searched else max(_LEAST_COUPLING, ratio)
                self._coupling = max(floor, self._coupling * _COUPLING_FALLS)
        return np.float32(self._coupling) * loudest
