"""Expressions of a problem's elements: built once, differentiated exactly, shared where equal.

An expression stands for one number, or for an array of ``size`` numbers that are computed alike
from different variables. Equal expressions are one node, so derivatives stay small and no
subexpression is computed twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tiltyard.suites.constrained._slopes import chain
from tiltyard.suites.constrained.model import Index

UNARY = (
    "exp", "log", "sqrt", "sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh", "abs", "sign",
)  # fmt: skip


class Node:
    """An operation on other nodes, or a leaf; made by a ``Graph`` alone.

    Attributes:
        kind: ``constant``, ``data``, ``variable``, ``weight``, ``add``, ``multiply``, ``divide``,
            ``arctan2``, ``power`` or a name in ``UNARY``.
        arguments: the nodes that it takes.
        number: a constant's value, or a power's exponent.
        leaf: number of the graph's data array, variable or weight; -1 for others.
        size: how many numbers it stands for.
        depends: bit set of the variables that it depends on.
        serial: its place in the order in which nodes were made: arguments come first.
    """

    __slots__ = ("arguments", "depends", "graph", "kind", "leaf", "number", "serial", "size")

    # NumPy arrays leave their operators with nodes to the nodes.
    __array_ufunc__ = None

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of a node
        self,
        graph: Graph,
        kind: str,
        arguments: tuple[Node, ...] = (),
        number: float = 0.0,
        leaf: int = -1,
        size: int = 1,
    ) -> None:
        self.graph, self.kind, self.arguments = graph, kind, arguments
        self.number, self.leaf, self.size = number, leaf, size
        self.depends = 1 << leaf if kind == "variable" else 0
        for argument in arguments:
            self.depends |= argument.depends
        self.serial = len(graph.nodes)

    def __add__(self, other: Any) -> Node:
        return self.graph.add(self, self.graph.node(other))

    def __radd__(self, other: Any) -> Node:
        return self.graph.add(self.graph.node(other), self)

    def __sub__(self, other: Any) -> Node:
        return self + -self.graph.node(other)

    def __rsub__(self, other: Any) -> Node:
        return self.graph.node(other) + -self

    def __neg__(self) -> Node:
        return self.graph.multiply(self.graph.constant(-1.0), self)

    def __mul__(self, other: Any) -> Node:
        return self._sized(self.graph.multiply, self, other)

    def __rmul__(self, other: Any) -> Node:
        return self._sized(self.graph.multiply, other, self)

    def __truediv__(self, other: Any) -> Node:
        return self._sized(self.graph.divide, self, other)

    def __rtruediv__(self, other: Any) -> Node:
        return self._sized(self.graph.divide, other, self)

    def __pow__(self, exponent: float) -> Node:
        power = self.graph.power(self, float(exponent))
        return self.graph.stretched(power, self.size)

    def _sized(self, operation: Callable[[Node, Node], Node], a: Any, b: Any) -> Node:
        """Return an operation's result, with as many elements as its arguments have.

        Derivatives do without: there, that an array of zeros is one zero keeps matrices sparse.
        """
        a, b = self.graph.node(a), self.graph.node(b)
        return self.graph.stretched(operation(a, b), max(a.size, b.size))


@dataclass(eq=False, slots=True)
class Graph:
    """All nodes of one problem.

    Attributes:
        nodes: every node by what defines it.
        data: the data arrays, (size,) float64 each.
        variables: for each variable leaf, which entries of x it reads: (size,) integers.
        weights: for each weight leaf, which entries of y it reads; empty for the objective's scale.
    """

    nodes: dict[Any, Node] = field(default_factory=dict)
    data: list[Any] = field(default_factory=list)
    variables: list[Index] = field(default_factory=list)
    weights: list[Index] = field(default_factory=list)
    _derivatives: dict[tuple[int, int], Node] = field(default_factory=dict)

    def node(self, value: Any) -> Node:
        """Return a node, a number or an array as a node.

        Raises:
            ValueError: a node of another graph, or an array without elements.
        """
        if isinstance(value, Node):
            if value.graph is not self:
                raise ValueError("an expression of another problem")
            return value
        array = np.asarray(value, dtype=np.float64).ravel()
        if not array.size:
            raise ValueError("an array without elements")
        if array.size == 1:
            return self.constant(float(array[0]))
        return self._leaf("data", self.data, array)

    def constant(self, number: float) -> Node:
        """Return the node of a number."""
        # The key tells 0.0 from -0.0 and works for NaN.
        return self._node(("constant", float(number).hex()), "constant", number=float(number))

    def stretched(self, node: Node, size: int) -> Node:
        """Return a constant as an array of a size, other nodes as they are."""
        return self.node(np.full(size, node.number)) if node.kind == "constant" else node

    def variable(self, entries: Any) -> Node:
        """Return x[entries] for an integer or an array of them."""
        return self._leaf("variable", self.variables, np.asarray(entries, dtype=np.intp).ravel())

    def weight(self, rows: Index) -> Node:
        """Return y[rows], the multipliers of constraints; the objective's scale for no rows."""
        return self._leaf("weight", self.weights, np.asarray(rows, dtype=np.intp).ravel())

    def add(self, a: Node, b: Node) -> Node:
        """Return a + b."""
        if _is(a, 0.0):
            return b
        if _is(b, 0.0):
            return a
        if a.kind == b.kind == "constant":
            return self.constant(a.number + b.number)
        return self._operation("add", *_sorted(a, b))

    def multiply(self, a: Node, b: Node) -> Node:
        """Return a b."""
        for one, other in ((a, b), (b, a)):
            if _is(one, 0.0):
                return one
            if _is(one, 1.0):
                return other
        if a.kind == b.kind == "constant":
            return self.constant(a.number * b.number)
        a, b = _sorted(a, b)
        if a.kind == "constant" and b.kind == "multiply" and b.arguments[0].kind == "constant":
            return self.multiply(self.constant(a.number * b.arguments[0].number), b.arguments[1])
        return self.power(a, 2.0) if a is b else self._operation("multiply", a, b)

    def divide(self, a: Node, b: Node) -> Node:
        """Return a / b."""
        if a.kind == b.kind == "constant":
            return self._folded(np.divide, a.number, b.number)
        if b.kind == "constant" and _exact(b.number):
            return self.multiply(a, self.constant(1.0 / b.number))
        return a if _is(a, 0.0) else self._operation("divide", a, b)

    def power(self, a: Node, exponent: float) -> Node:
        """Return a to a constant exponent."""
        if exponent == 0.0:
            return self.constant(1.0)
        if exponent == 1.0:
            return a
        if a.kind == "constant":
            return self._folded(np.power, a.number, exponent)
        key = ("power", a.serial, exponent)
        return self._node(key, "power", (a,), number=exponent, size=a.size)

    def arctan2(self, a: Node, b: Node) -> Node:
        """Return the angle of the point (b, a)."""
        if a.kind == b.kind == "constant":
            return self.constant(math.atan2(a.number, b.number))
        return self._operation("arctan2", a, b)

    def unary(self, name: str, a: Node) -> Node:
        """Return a function in ``UNARY`` of a."""
        if a.kind == "constant":
            return self._folded(getattr(np, name), a.number)
        return self._operation(name, a)

    def _folded(self, function: Callable[..., Any], *numbers: float) -> Node:
        with np.errstate(all="ignore"):
            return self.constant(float(function(*numbers)))

    def derivative(self, node: Node, variable: int) -> Node:
        """Return the exact derivative of a node with respect to a variable leaf."""
        if not node.depends >> variable & 1:
            return self.constant(0.0)
        key = (node.serial, variable)
        if key not in self._derivatives:
            self._derivatives[key] = self._differentiate(node, variable)
        return self._derivatives[key]

    def _differentiate(self, node: Node, variable: int) -> Node:
        if node.kind == "variable":
            return self.constant(1.0)
        arguments = [self.derivative(argument, variable) for argument in node.arguments]
        return chain(self, node, arguments)

    def _operation(self, kind: str, *arguments: Node) -> Node:
        sizes = {argument.size for argument in arguments if argument.size > 1}
        if len(sizes) > 1:
            raise ValueError(f"{kind} of arrays of different sizes: {sorted(sizes)}")
        key = (kind, *(argument.serial for argument in arguments))
        return self._node(key, kind, arguments, size=max(sizes, default=1))

    def _leaf(self, kind: str, table: list[Any], array: Any) -> Node:
        key = (kind, array.size, array.tobytes())
        if key not in self.nodes:
            table.append(array)
        return self._node(key, kind, leaf=len(table) - 1, size=max(1, array.size))

    def _node(self, key: Any, kind: str, arguments: tuple[Node, ...] = (), **rest: Any) -> Node:
        found = self.nodes.get(key)
        if found is None:
            found = self.nodes[key] = Node(self, kind, arguments, **rest)
        return found


def in_order(outputs: Iterable[Node]) -> list[Node]:
    """Return the nodes that the outputs need, arguments first."""
    needed: dict[int, Node] = {}
    stack = list(outputs)
    while stack:
        node = stack.pop()
        if node.serial not in needed:
            needed[node.serial] = node
            stack.extend(node.arguments)
    return [needed[serial] for serial in sorted(needed)]


def variables_of(node: Node) -> list[int]:
    """Return the numbers of the variable leaves that a node depends on."""
    return [leaf for leaf in range(node.depends.bit_length()) if node.depends >> leaf & 1]


def _is(node: Node, number: float) -> bool:
    return node.kind == "constant" and node.number == number


def _exact(number: float) -> bool:
    """Tell whether dividing by a number is the same as multiplying by its reciprocal."""
    return math.frexp(abs(number))[0] == 0.5


def _sorted(a: Node, b: Node) -> tuple[Node, Node]:
    """Return two arguments with a constant first, else in the order of making."""
    first = (a.kind != "constant", a.serial) <= (b.kind != "constant", b.serial)
    return (a, b) if first else (b, a)
