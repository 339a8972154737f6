"""onnxruntime as the engines use it: few threads, and runs that a cancelled request stops."""

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail

from opentalking.inference.child import Cancelled, EngineError, Request


def open_session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """A session on the processor; `threads` work on one run and sleep in between."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # every sentence has another length
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run(
    session: onnxruntime.InferenceSession,
    outputs: list[str] | None,
    inputs: dict[str, NDArray[Any]],
    request: Request | None,
) -> list[NDArray[Any]]:
    """One run; raises `Cancelled` as soon as `request` is cancelled, else `EngineError`."""
    options = onnxruntime.RunOptions()

    def terminate() -> None:
        options.terminate = True

    if request is not None:
        request.on_cancel(terminate)
    try:
        results: list[NDArray[Any]] = session.run(outputs, inputs, options)
    except Fail as error:
        if request is not None and request.cancelled:
            raise Cancelled from error
        raise EngineError(f"synthesis failed: {error}") from error
    finally:
        if request is not None:
            request.on_cancel(None)
    return results


def level(wave: NDArray[np.float32], gain: float) -> NDArray[np.int16]:
    """`wave` (full scale is 1) made louder by `gain`, as int16; what goes beyond the knee is bent, not cut.

    A fixed gain keeps the loudness of clauses alike, which normalising each of them would not.
    """
    loud = wave * gain
    size = np.abs(loud)
    bent = _KNEE + (1 - _KNEE) * np.tanh((size - _KNEE) / (1 - _KNEE))
    pcm: NDArray[np.int16] = (np.where(size > _KNEE, np.sign(loud) * bent, loud) * 32767).astype(np.int16)
    return pcm


_KNEE = 0.8
