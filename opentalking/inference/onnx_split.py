"""Cuts voice models in two, so that the timing of a sentence is known before its sound is made.

The first half (text encoder and durations) needs the whole sentence and little time; the second makes
the sound, of any stretch of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from opentalking.inference.onnx_graph import (
    GRAPH_INITIALIZER,
    GRAPH_INPUT,
    GRAPH_NAME,
    GRAPH_OUTPUT,
    Bytes,
    Graph,
    Node,
    tensor_type,
    value_info,
)

_DECODER_FIRST_NODE = "/dec/conv_pre/Conv"
_DURATION_OPERATOR = "Ceil"
# TypeProto.tensor_type { elem_type: FLOAT, shape of three free dimensions }
_FLOAT_RANK_3 = b"\x0a\x0a\x08\x01\x12\x06\x0a\x00\x0a\x00\x0a\x00"
_FLOAT = 1  # TensorProto.DataType


@dataclass(frozen=True, slots=True)
class SplitModel:
    """Two ONNX files: `front` gives the tensors `latent` and `durations`, `decoder` turns one into sound."""

    front: bytes
    decoder: bytes
    latent: str
    durations: str


def split_vits(model: bytes) -> SplitModel | None:
    """The two halves of `model`, or None if it is not a VITS graph of one speaker as Piper exports it.

    The second half (HiFi-GAN) is convolutions only, of which a stretch with a little context gives
    the same samples. Raises `ValueError` if the bytes are no protocol buffer.
    """
    graph = Graph(model)
    first = next((node for node in graph.nodes if node.name == _DECODER_FIRST_NODE), None)
    durations = [node.outputs[0] for node in graph.nodes if node.operator == _DURATION_OPERATOR]
    outputs = list(graph.values(GRAPH_OUTPUT))
    if first is None or len(durations) != 1 or len(outputs) != 1:
        return None
    latent = first.inputs[0]
    decoder = graph.ancestors(outputs[0], {latent})
    made = {name for node in decoder for name in node.outputs}
    front = [node for node in graph.nodes if node.outputs[0] not in made]
    feeds_others = any(name in made for node in front for name in node.inputs)
    if feeds_others or any(node.has_subgraph for node in decoder):
        return None
    front_outputs = [value_info(GRAPH_OUTPUT, name) for name in (latent, durations[0])]
    entry = value_info(GRAPH_INPUT, latent, _FLOAT_RANK_3)
    return SplitModel(
        _part(graph, front, list(graph.values(GRAPH_INPUT).values()), front_outputs),
        _part(graph, decoder, [entry], list(graph.values(GRAPH_OUTPUT).values())),
        latent,
        durations[0],
    )


def cut(model: bytes, tensors: Sequence[str], also: Sequence[str] = ()) -> tuple[bytes, bytes]:
    """A model cut at some float tensors: the first half gives them and `also`, the second needs only them.

    Raises `ValueError` if the model has no such tensors, or if its output depends on anything else.
    """
    graph = Graph(model)
    front_names = {node.outputs[0] for name in (*tensors, *also) for node in graph.ancestors(name)}
    front = [node for node in graph.nodes if node.outputs[0] in front_names]
    outputs = graph.values(GRAPH_OUTPUT)
    rest_names = {node.outputs[0] for name in outputs for node in graph.ancestors(name, tensors)}
    rest = [node for node in graph.nodes if node.outputs[0] in rest_names]
    inputs = graph.values(GRAPH_INPUT)
    made = {name for node in front for name in node.outputs}
    if not made.issuperset([*tensors, *also]) or not _read(rest).isdisjoint(inputs):
        raise ValueError(f"the model cannot be cut at {', '.join(tensors)}")
    used = _read(front)
    entries = [raw for name, raw in inputs.items() if name in used]
    return (
        _part(graph, front, entries, [value_info(GRAPH_OUTPUT, name) for name in (*tensors, *also)]),
        _part(
            graph,
            rest,
            [value_info(GRAPH_INPUT, name, tensor_type(_FLOAT)) for name in tensors],
            list(outputs.values()),
        ),
    )


def _part(graph: Graph, nodes: list[Node], inputs: Sequence[Bytes], outputs: Sequence[Bytes]) -> bytes:
    used = _read(nodes)
    weights = [raw for name, raw in graph.values(GRAPH_INITIALIZER).items() if name in used]
    named = [field.raw for field in graph.fields if field.number == GRAPH_NAME]
    return graph.model([*(node.raw for node in nodes), *named, *weights, *inputs, *outputs])


def _read(nodes: list[Node]) -> set[str]:
    return {name for node in nodes for name in node.inputs}
