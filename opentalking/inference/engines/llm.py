"""The built-in chat model: llama.cpp's HTTP server on a random loopback port, in a child process.

The answers do not travel through the pipes of the inference process: its `info` tells the address and a
key made for this process, and the parent speaks the same protocol with it as with any other endpoint.
"""

import os
import secrets
from collections.abc import Generator
from pathlib import Path

from opentalking.inference.child import Engine, EngineError, Request, serve
from opentalking.inference.framing import Json, Part

_HTTP_THREADS = 4
_BATCH_TOKENS = 128  # a cancelled prompt is noticed between two batches


def load(settings: Json) -> Engine:
    """Load `settings["model_path"]` (GGUF) and listen; `info` is `{"url": str, "key": str}`.

    Further settings: `context_tokens`, `parallel` (answers at once), `threads`, `cache_mib`.
    """
    try:
        import xllamacpp  # noqa: PLC0415 - only the child may load the native library
    except ImportError as error:
        raise EngineError(f"xllamacpp cannot be loaded: {error}") from error
    path = Path(settings["model_path"])
    if not path.is_file():
        raise EngineError(f"weights_missing: {path}")
    key = secrets.token_urlsafe(32)
    params = xllamacpp.CommonParams()
    params.model.path = os.fspath(path)
    params.api_keys = [key]
    params.cors_origins = "http://127.0.0.1"
    params.n_ctx = settings["context_tokens"]
    params.n_parallel = settings["parallel"]
    params.kv_unified = True
    params.n_cache_reuse = 16
    params.cache_ram_mib = settings["cache_mib"]
    # More than one thread spins, and collapses when the cores are shared with voice and face.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    params.n_batch = params.n_ubatch = _BATCH_TOKENS
    params.n_threads_http = _HTTP_THREADS
    params.ui = params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False
    params.verbosity = -1
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise EngineError(f"{path.name} cannot be loaded: {error}") from error
    _keep.append(server)
    return Engine(handlers={"ping": _ping}, info={"url": f"{server.listening_address}/v1", "key": key})


def _ping(_request: Request) -> Generator[Part, None, None]:
    """Tell that the process is there: a connection that broke does not say whether it died."""
    yield Part({})


_keep: list[object] = []  # the server lives as long as its process

if __name__ == "__main__":
    serve(load)
