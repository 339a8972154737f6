"""ONNX files read and written as protocol-buffer bytes: the `onnx` package is larger than all of this.

Encoding: protobuf.dev/programming-guides/encoding; field numbers: onnx.proto of the ONNX project.
Standard library only. `ValueError` means that the bytes are no protocol buffer.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_NAME, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 1, 2, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OPERATOR, _NODE_ATTRIBUTE = 1, 2, 3, 4, 5
_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS = 6, 11
_TENSOR_NAME = 8
_VALUE_NAME, _VALUE_TYPE = 1, 2

Bytes = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message: its number, its bytes with the tag (`raw`) and its content (`value`)."""

    number: int
    raw: memoryview
    value: memoryview

    @property
    def text(self) -> str:
        """The content as text."""
        return str(self.value, "utf-8")


@dataclass(frozen=True, slots=True)
class Node:
    """One operation of a graph, with the names of the tensors that it reads and makes."""

    raw: memoryview
    name: str
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    has_subgraph: bool


class Graph:
    """The graph of a model, taken apart."""

    def __init__(self, model: bytes) -> None:
        top = list(fields(memoryview(model)))
        self._head = [field.raw for field in top if field.number != MODEL_GRAPH]
        content = next((field.value for field in top if field.number == MODEL_GRAPH), memoryview(b""))
        self.fields = list(fields(content))

    @cached_property
    def nodes(self) -> list[Node]:
        """Every operation, in the file's order."""
        return [_node(field) for field in self.fields if field.number == GRAPH_NODE]

    def values(self, number: int) -> dict[str, memoryview]:
        """Inputs, outputs or initializers (`number` of their field) by name, raw."""
        name_field = _TENSOR_NAME if number == GRAPH_INITIALIZER else _VALUE_NAME
        return {_name(field, name_field): field.raw for field in self.fields if field.number == number}

    def model(self, parts: Sequence[Bytes]) -> bytes:
        """A model of this one's version and operators with a graph of these raw fields."""
        size = sum(len(part) for part in parts)
        return b"".join([*self._head, _varint(MODEL_GRAPH << 3 | 2), _varint(size), *parts])

    def ancestors(self, output: str, stops: Collection[str] = ()) -> list[Node]:
        """The operations that `output` needs, without what is needed for the tensors `stops` alone."""
        makers = {name: node for node in self.nodes for name in node.outputs}
        found: dict[str, Node] = {}
        pending = [output]
        while pending:
            name = pending.pop()
            node = None if name in stops else makers.get(name)
            if node is not None and node.outputs[0] not in found:
                found[node.outputs[0]] = node
                pending += node.inputs
        return [node for node in self.nodes if node.outputs[0] in found]


def value_info(number: int, name: str, value_type: bytes = b"") -> bytes:
    """A graph's input or output (`number`) with the bytes of its `TypeProto`, if any."""
    content = message(_VALUE_NAME, name.encode())
    return message(number, content + (message(_VALUE_TYPE, value_type) if value_type else b""))


def tensor_type(element: int) -> bytes:
    """A `TypeProto` of a tensor of any shape; `element` is the number of `TensorProto.DataType`."""
    return message(1, bytes([1 << 3, element]))


def fields(content: memoryview) -> Iterator[Field]:
    """The fields of a message."""
    at = 0
    while at < len(content):
        start = at
        tag, at = _read_varint(content, at)
        wire = tag & 7
        begin = at
        if wire == 0:
            _, at = _read_varint(content, at)
        elif wire == 2:
            length, begin = _read_varint(content, at)
            at = begin + length
        elif wire in {1, 5}:
            at += 8 if wire == 1 else 4
        else:
            raise ValueError(f"no protocol buffer: wire type {wire}")
        if at > len(content):
            raise ValueError("no protocol buffer: it ends within a field")
        yield Field(tag >> 3, content[start:at], content[begin:at])


def message(number: int, content: bytes) -> bytes:
    """A field that holds a message or text."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _node(field: Field) -> Node:
    inputs: list[str] = []
    outputs: list[str] = []
    name = operator = ""
    has_subgraph = False
    for part in fields(field.value):
        if part.number == _NODE_INPUT:
            inputs.append(part.text)
        elif part.number == _NODE_OUTPUT:
            outputs.append(part.text)
        elif part.number == _NODE_NAME:
            name = part.text
        elif part.number == _NODE_OPERATOR:
            operator = part.text
        elif part.number == _NODE_ATTRIBUTE:
            numbers = {inner.number for inner in fields(part.value)}
            has_subgraph = has_subgraph or bool(numbers & {_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS})
    return Node(field.raw, name, operator, tuple(inputs), tuple(outputs), has_subgraph)


def _name(field: Field, number: int) -> str:
    return next((part.text for part in fields(field.value) if part.number == number), "")


def _read_varint(content: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(content):
        byte = content[at]
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
