"""A problem's functions and exact sparse derivatives as compiled functions.

``ArrayProgram`` serves every problem, on NumPy arrays and torch tensors. ``FloatProgram`` serves
problems without arrays, on Python floats: with few variables that is many times faster.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tiltyard.suites.constrained._expression import Graph, Node, variables_of
from tiltyard.suites.constrained._source import (
    Source,
    as_tensors,
    float_namespace,
    numpy_namespace,
    torch_namespace,
    total,
)
from tiltyard.suites.constrained.model import Index, Structure

Function = Callable[..., Any]
NOWHERE = np.empty(0, dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Block:
    """Elements that are added to the objective (no rows), or to rows of c."""

    node: Node
    rows: Index


@dataclass(frozen=True, slots=True)
class _Entry:
    """Values of a sparse matrix: a node, and the entries to which it is added."""

    node: Node
    rows: Index
    columns: Index


class ArrayProgram:
    """The functions for arrays; a device makes them for torch tensors on it.

    Args:
        graph: of the problem.
        blocks: all its elements.
        n: number of variables.
        m: number of constraints.
        device: empty for NumPy.
    """

    def __init__(
        self, graph: Graph, blocks: Sequence[Block], n: int, m: int, *, device: str = ""
    ) -> None:
        self._graph, self._n, self._m, self._device = graph, n, m, device
        self._costs = [block for block in blocks if not block.rows.size]
        self._blocks = [block for block in blocks if block.rows.size]
        self._namespace = torch_namespace(device) if device else numpy_namespace()

    @cached_property
    def objective(self) -> Function:
        """The sum of the objective's elements."""
        nodes = [block.node for block in self._costs]
        source = Source(self._graph, nodes)
        source.add(f"return {total(source, nodes)}")
        return self._compiled(source)

    @cached_property
    def gradient(self) -> Function:
        """Its (n,) gradient."""
        graph = self._graph
        parts = [
            (graph.derivative(block.node, leaf), graph.variables[leaf], block.node.size)
            for block in self._costs
            for leaf in variables_of(block.node)
        ]
        return self._sums(self._n, parts)

    @cached_property
    def constraints(self) -> Function:
        """The (m,) sums of each row's elements."""
        parts = [(block.node, block.rows, block.node.size) for block in self._blocks]
        return self._sums(self._m, parts)

    @cached_property
    def jacobian(self) -> tuple[Structure, Function]:
        """The structure of the Jacobian, and its values."""
        graph = self._graph
        entries = [
            _first(graph, block, leaf)
            for block in self._blocks
            for leaf in variables_of(block.node)
        ]
        return self._matrix(entries)

    @cached_property
    def hessian(self) -> tuple[Structure, Function]:
        """The structure of the Hessian's lower triangle, and its values."""
        return self._matrix(list(_second_derivatives(self._graph, self._costs + self._blocks)))

    def index(self, entries: Index) -> Any:
        """Return an array of integers as what the functions' results are indexed with."""
        return as_tensors({"index": entries}, self._device)["index"] if self._device else entries

    def _sums(self, length: int, parts: Sequence[tuple[Node, Index, int]]) -> Function:
        """Return a function to an array: each node added at its entries, once for each element."""
        source = Source(self._graph, [node for node, _, _ in parts])
        source.add(f"out = zeros({length})")
        for node, entries, size in parts:
            text = source.text(node)
            if entries.size == 1:
                times = f" * {size}.0" if node.size == 1 and size > 1 else ""
                text = total(source, [node]) + times
            elif np.unique(entries).size < entries.size:
                source.add(f"out = out + scatter({length}, {source.index(entries)}, {text})")
                continue
            source.add(f"out[{source.selector(entries)}] += {text}")
        source.add("return out")
        return self._compiled(source)

    def _matrix(self, entries: Sequence[_Entry]) -> tuple[Structure, Function]:
        """Return the structure of summed entries, and a function to their values."""
        rows = np.concatenate([NOWHERE, *(entry.rows for entry in entries)])
        columns = np.concatenate([NOWHERE, *(entry.columns for entry in entries)])
        order = np.lexsort((columns, rows))
        first = np.ones(len(order), dtype=bool)
        first[1:] = (np.diff(rows[order]) != 0) | (np.diff(columns[order]) != 0)
        kept = order[first]
        source = Source(self._graph, [entry.node for entry in entries])
        constant = np.zeros(len(rows))
        start = 0
        assignments = []
        for entry in entries:
            end = start + len(entry.rows)
            if entry.node.kind == "constant":
                constant[start:end] = entry.node.number
            else:
                assignments.append(f"out[{start}:{end}] = {source.text(entry.node)}")
            start = end
        source.array("base", constant)
        source.add("out = copy(base)", *assignments)
        if not first.all():
            place = np.empty(len(order), dtype=np.intp)
            place[order] = np.cumsum(first) - 1
            source.add(f"return scatter({len(kept)}, {source.index(place)}, out)")
        elif (np.diff(order) == 1).all():
            source.add("return out")
        else:
            source.add(f"return out[{source.index(order)}]")
        return Structure(rows[kept], columns[kept]), self._compiled(source)

    def _compiled(self, source: Source) -> Function:
        if self._device:
            source.arrays = as_tensors(source.arrays, self._device)
        return source.function(self._namespace, release=True)


class FloatProgram:
    """The functions for problems without arrays, on a list of Python floats; as ArrayProgram."""

    def __init__(self, graph: Graph, blocks: Sequence[Block], n: int, m: int) -> None:
        self._graph = graph
        zero = graph.constant(0.0)
        self._cost = sum((block.node for block in blocks if not block.rows.size), zero)
        self._rows = [zero] * m
        for block in blocks:
            if block.rows.size:
                row = int(block.rows[0])
                self._rows[row] = self._rows[row] + block.node
        self._n = n

    @cached_property
    def objective(self) -> Function:
        """The objective, a float."""
        source = Source(self._graph, [self._cost])
        source.add(f"return {source.text(self._cost)}")
        return source.function(float_namespace())

    @cached_property
    def gradient(self) -> Function:
        """Its (n,) gradient."""
        values = [self._graph.constant(0.0)] * self._n
        for leaf in variables_of(self._cost):
            entry = int(self._graph.variables[leaf][0])
            values[entry] = self._graph.derivative(self._cost, leaf)
        return self._array(values)

    @cached_property
    def constraints(self) -> Function:
        """The (m,) constraints."""
        return self._array(self._rows)

    @cached_property
    def jacobian(self) -> tuple[Structure, Function]:
        """The structure of the Jacobian, and its values."""
        graph = self._graph
        entries = {
            (row, int(graph.variables[leaf][0])): graph.derivative(node, leaf)
            for row, node in enumerate(self._rows)
            for leaf in variables_of(node)
        }
        return self._matrix(entries)

    @cached_property
    def hessian(self) -> tuple[Structure, Function]:
        """The structure of the Hessian's lower triangle, and its values."""
        graph = self._graph
        rows = [Block(node, np.array([row])) for row, node in enumerate(self._rows)]
        sums: dict[tuple[int, int], Node] = defaultdict(lambda: graph.constant(0.0))
        for entry in _second_derivatives(graph, [Block(self._cost, NOWHERE), *rows]):
            key = int(entry.rows[0]), int(entry.columns[0])
            sums[key] = sums[key] + entry.node
        return self._matrix(sums)

    def _matrix(self, entries: dict[tuple[int, int], Node]) -> tuple[Structure, Function]:
        zero = self._graph.constant(0.0)
        places = sorted(place for place, node in entries.items() if node is not zero)
        rows = np.array([row for row, _ in places], dtype=np.intp)
        columns = np.array([column for _, column in places], dtype=np.intp)
        return Structure(rows, columns), self._array([entries[place] for place in places])

    def _array(self, nodes: Sequence[Node]) -> Function:
        source = Source(self._graph, nodes)
        source.add(f"return array([{', '.join(map(source.text, nodes))}], dtype=float)")
        return source.function({**float_namespace(), "float": float})


def scalar(blocks: Sequence[Block]) -> bool:
    """Tell whether no block holds an array."""
    return all(block.node.size == 1 and block.rows.size <= 1 for block in blocks)


def _second_derivatives(graph: Graph, blocks: Sequence[Block]) -> Iterator[_Entry]:
    """Yield the weighted entries of the lower triangle of every block's Hessian."""
    for block in blocks:
        weight = graph.weight(block.rows)
        leaves = variables_of(block.node)
        for position, one in enumerate(leaves):
            slope = graph.derivative(block.node, one)
            for other in leaves[position:]:
                curvature = graph.derivative(slope, other)
                if curvature.kind == "constant" and curvature.number == 0.0:
                    continue
                yield _second(graph, curvature * weight, one, other, block.node.size)


def _second(graph: Graph, node: Node, one: int, other: int, size: int) -> _Entry:
    a, b = graph.variables[one], graph.variables[other]
    length = max(a.size, b.size, node.size, size)
    a, b = np.broadcast_to(a, length), np.broadcast_to(b, length)
    if one != other and (same := a == b).any():  # both orders of the pair fall on the diagonal
        node = node * graph.node(np.where(same, 2.0, 1.0))
    return _Entry(node, np.maximum(a, b), np.minimum(a, b))


def _first(graph: Graph, block: Block, leaf: int) -> _Entry:
    """Return the entries of the Jacobian that a block has for a variable leaf."""
    columns = graph.variables[leaf]
    length = max(block.rows.size, columns.size, block.node.size)
    rows, columns = np.broadcast_to(block.rows, length), np.broadcast_to(columns, length)
    return _Entry(graph.derivative(block.node, leaf), rows, columns)
