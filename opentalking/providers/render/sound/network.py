"""The lip network: a small causal convolutional network in numpy, run on a stream."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Layer:
    """A causal convolution with ReLU: output t sees inputs t, t - dilation, ... (`taps` of them).

    `weights` has shape (taps * inputs, outputs), the oldest tap first. A residual layer adds its input.
    """

    weights: Matrix
    bias: Matrix
    taps: int
    dilation: int
    residual: bool


@dataclass(frozen=True, slots=True)
class LipNetwork:
    """Weights and the names of what they tell apart.

    Posteriors are `look_ahead` hops late: output t speaks of hop t - look_ahead.
    """

    layers: tuple[Layer, ...]
    weights: Matrix
    bias: Matrix
    shapes: tuple[str, ...]
    look_ahead: int

    @classmethod
    def load(cls, path: Path) -> "LipNetwork":
        """Read an `.npz` written by training/lips; raises `OSError`, `ValueError` or `KeyError`."""
        with np.load(path, allow_pickle=False) as file:
            return cls.from_arrays(file)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "LipNetwork":
        """Build from the arrays of the file: `dilations`, `w0` `b0` `w1` ..., `out_w`, `out_b`, ..."""
        layers = []
        width = int(arrays["inputs"])
        for number, dilation in enumerate(np.asarray(arrays["dilations"]).tolist()):
            weights = np.asarray(arrays[f"w{number}"], np.float32)
            bias = np.asarray(arrays[f"b{number}"], np.float32)
            outputs = len(bias)
            layers.append(Layer(weights, bias, len(weights) // width, dilation, number > 0))
            width = outputs
        return cls(
            tuple(layers),
            np.asarray(arrays["out_w"], np.float32),
            np.asarray(arrays["out_b"], np.float32),
            tuple(str(name) for name in arrays["shapes"]),
            int(arrays["look_ahead"]),
        )


class LipStream:
    """One sound on its way through the network; keeps what the next piece needs."""

    def __init__(self, network: LipNetwork, rest: Matrix) -> None:
        """`rest` is one frame of features of silence, shape (inputs,): what is taken to come first."""
        self._network = network
        self._histories: list[Matrix] = []
        frame = rest
        for layer in network.layers:
            reach = (layer.taps - 1) * layer.dilation
            self._histories.append(np.repeat(frame[None], reach, 0))
            out = np.maximum(np.tile(frame, layer.taps) @ layer.weights + layer.bias, 0)
            frame = frame + out if layer.residual else out

    def feed(self, features: Matrix) -> Matrix:
        """Posteriors, shape (hops, shapes), float32, for features of shape (hops, inputs)."""
        hops = len(features)
        x = features
        for number, layer in enumerate(self._network.layers):
            known = np.concatenate([self._histories[number], x])
            shifts = range(0, layer.taps * layer.dilation, layer.dilation)
            gathered = np.concatenate([known[shift : shift + hops] for shift in shifts], 1)
            out = np.maximum(gathered @ layer.weights + layer.bias, 0)
            self._histories[number] = known[hops:]
            x = x + out if layer.residual else out
        logits = x @ self._network.weights + self._network.bias
        shares = np.exp(logits - logits.max(1, keepdims=True)) if hops else logits
        return np.asarray(shares / shares.sum(1, keepdims=True), np.float32)
