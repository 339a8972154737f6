"""Cuts a VITS voice model in two, so that its decoder can run on a few frames at a time.

The first half (text encoder, durations, flow) needs the whole sentence and a third of the time;
the second (HiFi-GAN) is convolutions only, of which a stretch with a little context gives the same samples.

Works on the protocol-buffer bytes of the file (encoding: protobuf.dev/programming-guides/encoding;
field numbers: onnx.proto of the ONNX project), because the `onnx` package is larger than all of this.
Standard library only.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_DECODER_FIRST_NODE = "/dec/conv_pre/Conv"
_DURATION_OPERATOR = "Ceil"

_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE_INFO = 1, 5, 11, 12, 13
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OPERATOR, _NODE_ATTRIBUTE = 1, 2, 3, 4, 5
_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS = 6, 11
_TENSOR_NAME = 8
_VALUE_NAME, _VALUE_TYPE = 1, 2
# TypeProto.tensor_type { elem_type: FLOAT, shape of three free dimensions }
_FLOAT_RANK_3 = b"\x0a\x0a\x08\x01\x12\x06\x0a\x00\x0a\x00\x0a\x00"


@dataclass(frozen=True, slots=True)
class SplitModel:
    """Two ONNX files: `front` gives the tensors `latent` and `durations`, `decoder` turns one into sound."""

    front: bytes
    decoder: bytes
    latent: str
    durations: str


@dataclass(frozen=True, slots=True)
class _Field:
    number: int
    raw: memoryview
    value: memoryview

    @property
    def text(self) -> str:
        return str(self.value, "utf-8")


@dataclass(frozen=True, slots=True)
class _Node:
    raw: memoryview
    name: str
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    has_subgraph: bool


def split_vits(model: bytes) -> SplitModel | None:
    """The two halves of `model`, or None if it is not a VITS graph of one speaker as Piper exports it.

    Raises `ValueError` if the bytes are no protocol buffer.
    """
    top = list(_fields(memoryview(model)))
    graph = next((list(_fields(f.value)) for f in top if f.number == _MODEL_GRAPH), None)
    if graph is None:
        return None
    nodes = [_node(field) for field in graph if field.number == _GRAPH_NODE]
    first = next((node for node in nodes if node.name == _DECODER_FIRST_NODE), None)
    durations = [node.outputs[0] for node in nodes if node.operator == _DURATION_OPERATOR]
    outputs = [_name(field, _VALUE_NAME) for field in graph if field.number == _GRAPH_OUTPUT]
    if first is None or len(durations) != 1 or len(outputs) != 1:
        return None
    latent = first.inputs[0]
    decoder = _ancestors(nodes, outputs[0], latent)
    if decoder is None:
        return None
    others = [field for field in top if field.number != _MODEL_GRAPH]
    front_graph = _front_graph(graph, decoder, nodes, (latent, durations[0]))
    decoder_graph = _decoder_graph(graph, decoder, latent)
    return SplitModel(_model(others, front_graph), _model(others, decoder_graph), latent, durations[0])


def _ancestors(nodes: list[_Node], output: str, stop: str) -> dict[str, _Node] | None:
    """Nodes that make `output` from `stop` alone, by output name; None if they need or feed anything else."""
    makers = {output: node for node in nodes for output in node.outputs}
    found: dict[str, _Node] = {}
    pending = [output]
    while pending:
        node = makers.get(pending.pop())
        if node is None or node.outputs[0] in found:
            continue
        if node.has_subgraph:
            return None
        found[node.outputs[0]] = node
        pending += [name for name in node.inputs if name != stop]
    inside = {name for node in found.values() for name in node.outputs}
    feeds_others = any(
        name in inside for node in nodes if node.outputs[0] not in found for name in node.inputs
    )
    return None if feeds_others else found


def _front_graph(
    graph: list[_Field], decoder: dict[str, _Node], nodes: list[_Node], outputs: tuple[str, ...]
) -> list[bytes | memoryview]:
    used = {name for node in nodes if node.outputs[0] not in decoder for name in node.inputs}
    only_decoder = {name for node in decoder.values() for name in node.inputs} - used
    left_out = {_GRAPH_OUTPUT, _GRAPH_VALUE_INFO, _GRAPH_NODE}
    parts: list[bytes | memoryview] = [node.raw for node in nodes if node.outputs[0] not in decoder]
    for field in graph:
        is_decoder_weight = field.number == _GRAPH_INITIALIZER and _name(field, _TENSOR_NAME) in only_decoder
        if field.number not in left_out and not is_decoder_weight:
            parts.append(field.raw)
    return parts + [_message(_GRAPH_OUTPUT, _message(_VALUE_NAME, name.encode())) for name in outputs]


def _decoder_graph(graph: list[_Field], decoder: dict[str, _Node], latent: str) -> list[bytes | memoryview]:
    used = {name for node in decoder.values() for name in node.inputs}
    left_out = {_GRAPH_INPUT, _GRAPH_VALUE_INFO}
    parts: list[bytes | memoryview] = []
    for field in graph:
        if field.number == _GRAPH_NODE:
            keep = _node(field).outputs[0] in decoder
        elif field.number == _GRAPH_INITIALIZER:
            keep = _name(field, _TENSOR_NAME) in used
        else:
            keep = field.number not in left_out
        if keep:
            parts.append(field.raw)
    entry = _message(_VALUE_NAME, latent.encode()) + _message(_VALUE_TYPE, _FLOAT_RANK_3)
    return [*parts, _message(_GRAPH_INPUT, entry)]


def _model(others: list[_Field], graph: list[bytes | memoryview]) -> bytes:
    size = sum(len(part) for part in graph)
    head = [field.raw for field in others]
    return b"".join([*head, _varint(_MODEL_GRAPH << 3 | 2), _varint(size), *graph])


def _node(field: _Field) -> _Node:
    inputs: list[str] = []
    outputs: list[str] = []
    name = operator = ""
    has_subgraph = False
    for part in _fields(field.value):
        if part.number == _NODE_INPUT:
            inputs.append(part.text)
        elif part.number == _NODE_OUTPUT:
            outputs.append(part.text)
        elif part.number == _NODE_NAME:
            name = part.text
        elif part.number == _NODE_OPERATOR:
            operator = part.text
        elif part.number == _NODE_ATTRIBUTE:
            numbers = {inner.number for inner in _fields(part.value)}
            has_subgraph = has_subgraph or bool(numbers & {_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS})
    return _Node(field.raw, name, operator, tuple(inputs), tuple(outputs), has_subgraph)


def _name(field: _Field, number: int) -> str:
    return next((part.text for part in _fields(field.value) if part.number == number), "")


def _fields(message: memoryview) -> Iterator[_Field]:
    at = 0
    while at < len(message):
        start = at
        tag, at = _read_varint(message, at)
        wire = tag & 7
        begin = at
        if wire == 0:
            _, at = _read_varint(message, at)
        elif wire == 2:
            length, begin = _read_varint(message, at)
            at = begin + length
        elif wire in {1, 5}:
            at += 8 if wire == 1 else 4
        else:
            raise ValueError(f"no protocol buffer: wire type {wire}")
        if at > len(message):
            raise ValueError("no protocol buffer: it ends within a field")
        yield _Field(tag >> 3, message[start:at], message[begin:at])


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("no protocol buffer: it ends within a number")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content
