"""Train the lip network with JAX and write its weights for `opentalking.providers.render.sound`.

    python -m training.lips.train --corpus corpus.npz --width 96 --dilations 1 1 2 4 8 16 \
        --look-ahead 6 --steps 12000 --out lips.npz

`--look-ahead` counts hops of 10 ms. Every crop gets another gain, equaliser, noise and band limit.
"""

import argparse
import functools
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import random

from opentalking.providers.render.sound import features
from training.lips.labels import SHAPES

_TAPS = 3
_CROP, _BATCH = 320, 64
_ABSENT = 0.05
"""Share of crops without a voice."""
_BANDS = features.BANDS
Parameters = dict[str, Any]


def initial(key: Any, width: int, layers: int) -> Parameters:
    """Random weights."""
    parameters: Parameters = {}
    for number, one in enumerate(random.split(key, layers)):
        inputs = _TAPS * (width if number else _BANDS)
        scale = (1.0 if number == 0 else 0.5) * (2 / inputs) ** 0.5
        parameters[f"w{number}"] = random.normal(one, (inputs, width)) * scale
        parameters[f"b{number}"] = jnp.zeros(width)
    parameters["out_w"] = random.normal(key, (width, len(SHAPES))) * (1 / width) ** 0.5
    parameters["out_b"] = jnp.zeros(len(SHAPES))
    return parameters


def forward(
    parameters: Parameters, x: Any, dilations: tuple[int, ...], key: Any = None, drop: float = 0.0
) -> Any:
    """Logits (batch, time, shapes) of features (batch, time, bands); the same sum as `LipStream`."""
    for number, dilation in enumerate(dilations):
        reach = (_TAPS - 1) * dilation
        known = jnp.pad(x, ((0, 0), (reach, 0), (0, 0)), mode="edge")
        taps = [known[:, tap * dilation : tap * dilation + x.shape[1]] for tap in range(_TAPS)]
        out = jax.nn.relu(jnp.concatenate(taps, -1) @ parameters[f"w{number}"] + parameters[f"b{number}"])
        if key is not None and drop:
            key, mine = random.split(key)
            keep = random.bernoulli(mine, 1 - drop, (x.shape[0], 1, out.shape[-1]))
            out = jnp.where(keep, out / (1 - drop), 0)
        x = x + out if number else out
    return x @ parameters["out_w"] + parameters["out_b"]


def normalise(decibels: Any) -> Any:
    """What `features.LevelNormaliser` does, for band energies in dB, shape (batch, time, bands)."""
    total = 10 * jnp.log10((10 ** (decibels / 10)).sum(-1))
    faded = features.PEAK_DECAY_DECIBELS * features.HOP_SECONDS * jnp.arange(1, decibels.shape[1] + 1)
    peaks = jax.lax.cummax(jnp.maximum(total + faded, features.START_PEAK_DECIBELS), axis=1) - faded
    peaks = jnp.maximum(peaks, features.LEAST_PEAK_DECIBELS)
    levels = jnp.maximum(decibels - peaks[..., None], -features.DEPTH_DECIBELS)
    return levels / 20


def _curve(key: Any, batch: int, tilt: float, bumps: float) -> Any:
    """A smooth random curve over the bands, dB, shape (batch, 1, bands)."""
    keys = random.split(key, 4)
    place = jnp.linspace(-1, 1, _BANDS)
    curve = random.uniform(keys[0], (batch, 1), minval=-tilt, maxval=tilt) * place
    centre = random.uniform(keys[1], (batch, 3, 1), minval=-1.2, maxval=1.2)
    width = random.uniform(keys[2], (batch, 3, 1), minval=0.08, maxval=0.5)
    height = random.normal(keys[3], (batch, 3, 1)) * bumps
    curve += (height * jnp.exp(-(((place - centre) / width) ** 2))).sum(1)
    return curve[:, None]


def _bursts(key: Any, batch: int, hops: int) -> Any:
    """Breaths, clicks and rustling: three short sounds of any colour, dB, shape (batch, time, bands)."""
    keys = random.split(key, 9)
    total = -200.0
    for k in range(3):
        centre = random.uniform(keys[k], (batch, 1), minval=0, maxval=hops)
        width = random.uniform(keys[3 + k], (batch, 1), minval=2, maxval=20)
        shape = -4.3 * jnp.square((jnp.arange(hops) - centre) / width)
        total = jnp.maximum(total, jnp.maximum(shape, -100)[..., None] + _curve(keys[6 + k], batch, 14, 6))
    return total + 4 * random.normal(key, (batch, hops, _BANDS))


def disturbed(decibels: Any, absent: Any, key: Any) -> Any:
    """Another microphone, room noise, volume and telephone band, on band energies in dB.

    Where `absent`, the noise is all there is.
    """
    batch, time_, _ = decibels.shape
    keys = random.split(key, 11)
    sound = decibels + _curve(keys[0], batch, 8, 4)
    level = jnp.percentile(10 * jnp.log10((10 ** (sound / 10)).sum(-1)), 90, axis=1)[:, None, None]
    sound = jnp.where(absent, -100.0, sound)
    below = random.uniform(keys[1], (batch, 1, 1), minval=8, maxval=60) + 15
    noise = level - below + _curve(keys[2], batch, 10, 5) + 4 * random.normal(keys[3], sound.shape) - 1
    bursts = (
        level - random.uniform(keys[9], (batch, 1, 1), minval=20, maxval=55) + _bursts(keys[8], batch, time_)
    )
    sound = 10 * jnp.log10(10 ** (sound / 10) + 10 ** (noise / 10) + 10 ** (bursts / 10))
    band = jnp.arange(_BANDS)
    top = jnp.where(
        random.bernoulli(keys[4], 0.2, (batch, 1, 1)), random.randint(keys[5], (batch, 1, 1), 24, 38), 99
    )
    low = jnp.where(
        random.bernoulli(keys[6], 0.2, (batch, 1, 1)), random.randint(keys[7], (batch, 1, 1), 1, 5), 0
    )
    sound = sound - 45.0 * (band > top) - 25.0 * (band < low)
    louder = jnp.where(absent, random.uniform(keys[4], (batch, 1, 1), minval=0, maxval=50), 0)
    sound = sound + louder + random.uniform(keys[10], (batch, 1, 1), minval=-24, maxval=10)
    return 10 * jnp.log10(10 ** (sound / 10) + 1e-10)


def loss_of(parameters: Parameters, batch: Any, key: Any, settings: Any) -> Any:
    """Weighted cross entropy of one batch of crops (energies in dB, labels); some hold noise alone."""
    decibels, labels, weights = batch
    keys = random.split(key, 3)
    absent = random.bernoulli(keys[2], _ABSENT, (len(labels), 1))
    labels = jnp.where(absent, SHAPES.index("rest"), labels)
    x = normalise(disturbed(decibels, absent[..., None], keys[0]))
    logits = forward(parameters, x, settings.dilations, keys[1], settings.drop)
    ahead, skip = settings.look_ahead, 20
    logits, labels = logits[:, ahead + skip :], labels[:, skip : labels.shape[1] - ahead]
    wanted = jax.nn.one_hot(labels, len(SHAPES)) * (1 - settings.smooth) + settings.smooth / len(SHAPES)
    losses = -(wanted * jax.nn.log_softmax(logits)).sum(-1) * weights[labels]
    return losses.mean()


@functools.partial(jax.jit, static_argnums=(4,))
def _step(state: Any, corpus: Any, starts: Any, progress: Any, settings: Any) -> Any:
    """One step of AdamW; `progress` runs from 0 to 1 and bends the rate down along a cosine."""
    parameters, first, second, key, number = state
    energies, labels, weights = corpus
    places = starts[:, None] + jnp.arange(_CROP)
    batch = (energies[places].astype(jnp.float32), labels[places].astype(jnp.int32), weights)
    key, mine = random.split(key)
    loss, slopes = jax.value_and_grad(loss_of)(parameters, batch, mine, settings)
    rate = settings.rate * jnp.minimum(1, number / 300) * (0.5 + 0.5 * jnp.cos(jnp.pi * progress))
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slopes)
    second = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g * g, second, slopes)

    def moved(p: Any, m: Any, v: Any) -> Any:
        m, v = m / (1 - 0.9 ** (number + 1)), v / (1 - 0.99 ** (number + 1))
        return p - rate * (m / (jnp.sqrt(v) + 1e-8) + settings.decay * p)

    return (jax.tree.map(moved, parameters, first, second), first, second, key, number + 1), loss


class _Settings(argparse.Namespace):
    """Command line arguments as a static argument of compiled functions."""

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


def train(settings: Any) -> Parameters:
    """Parameters after `settings.steps` steps, or fewer where `settings.seconds` are over before."""
    with np.load(settings.corpus) as file:
        energies, labels = file["energies"], file["labels"]
    counts = np.bincount(labels, minlength=len(SHAPES)) / len(labels)
    weights = jnp.asarray((counts + 0.003) ** -settings.balance)
    weights = weights / (weights * counts).sum()
    corpus = (jnp.asarray(energies), jnp.asarray(labels), weights)
    rng = np.random.default_rng(settings.seed)
    parameters = initial(random.key(settings.seed), settings.width, len(settings.dilations))
    nothing = jax.tree.map(jnp.zeros_like, parameters)
    state = (parameters, nothing, nothing, random.key(settings.seed + 1), jnp.zeros(()))
    began, progress = time.monotonic(), 0.0
    for number in range(settings.steps):
        starts = rng.integers(0, len(labels) - _CROP, _BATCH)
        state, loss = _step(state, corpus, starts, progress, settings)
        elapsed = time.monotonic() - began
        progress = (number + 1) / settings.steps
        if settings.seconds:
            progress = max(progress, min(1, elapsed / settings.seconds))
        if number % 500 == 499:
            print(number + 1, f"loss {float(loss):.4f}, {elapsed:.0f} s", flush=True)
        if progress >= 1:
            break
    return dict(state[0])


def save(path: Path, parameters: Parameters, settings: Any) -> None:
    """Write the file that `LipNetwork.load` reads; weights as float16."""
    arrays = {name: np.asarray(value, np.float16) for name, value in parameters.items()}
    np.savez_compressed(
        path,
        inputs=np.array(_BANDS),
        dilations=np.array(settings.dilations),
        shapes=np.array(SHAPES),
        look_ahead=np.array(settings.look_ahead),
        **arrays,
    )


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--dilations", type=int, nargs="+", default=[1, 1, 2, 4, 8, 16])
    parser.add_argument("--look-ahead", type=int, default=6)
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--seconds", type=float, default=0, help="stop after this time")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--decay", type=float, default=0.02)
    parser.add_argument("--drop", type=float, default=0.1)
    parser.add_argument("--smooth", type=float, default=0.05)
    parser.add_argument("--balance", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    settings = parser.parse_args(namespace=_Settings())
    settings.dilations = tuple(settings.dilations)
    save(settings.out, train(settings), settings)


if __name__ == "__main__":
    main()
