"""The chain rule for expressions: an operation's derivative from its arguments' derivatives.

Products are the graph's own, not operators: a derivative that vanishes is the number zero, whatever
the size of the arrays, which is what keeps matrices sparse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiltyard.suites.constrained._expression import Graph, Node


def chain(graph: Graph, node: Node, slopes: Sequence[Node]) -> Node:
    """Return the derivative of an operation.

    Args:
        graph: the node's.
        node: the operation.
        slopes: the derivatives of its arguments.
    """
    a, da = node.arguments[0], slopes[0]
    if node.kind == "power":
        factor = graph.multiply(graph.constant(node.number), da)
        return graph.multiply(graph.power(a, node.number - 1.0), factor)
    if len(slopes) == 1:
        return graph.multiply(_UNARY[node.kind](graph, a, node), da)
    return _BINARY[node.kind](graph, node, da, slopes[1])


def _multiply(graph: Graph, node: Node, da: Node, db: Node) -> Node:
    a, b = node.arguments
    return graph.add(graph.multiply(da, b), graph.multiply(a, db))


def _divide(graph: Graph, node: Node, da: Node, db: Node) -> Node:
    return graph.divide(graph.add(da, _minus(graph, graph.multiply(node, db))), node.arguments[1])


def _arctan2(graph: Graph, node: Node, da: Node, db: Node) -> Node:
    a, b = node.arguments
    turn = graph.add(graph.multiply(da, b), _minus(graph, graph.multiply(a, db)))
    return graph.divide(turn, a * a + b * b)


def _minus(graph: Graph, node: Node) -> Node:
    return graph.multiply(graph.constant(-1.0), node)


_BINARY: dict[str, Callable[[Graph, Node, Node, Node], Node]] = {
    "add": lambda graph, _, da, db: graph.add(da, db),
    "multiply": _multiply,
    "divide": _divide,
    "arctan2": _arctan2,
}
"""For each operation on two arguments, its derivative from its value and its arguments' slopes."""

_UNARY: dict[str, Callable[[Graph, Node, Node], Node]] = {
    "exp": lambda _, __, node: node,
    "log": lambda graph, a, _: graph.divide(graph.constant(1.0), a),
    "sqrt": lambda graph, _, node: graph.divide(graph.constant(0.5), node),
    "sin": lambda graph, a, _: graph.unary("cos", a),
    "cos": lambda graph, a, _: -graph.unary("sin", a),
    "tan": lambda _, __, node: 1.0 + node * node,
    "arctan": lambda graph, a, _: graph.divide(graph.constant(1.0), 1.0 + a * a),
    "sinh": lambda graph, a, _: graph.unary("cosh", a),
    "cosh": lambda graph, a, _: graph.unary("sinh", a),
    "tanh": lambda _, __, node: 1.0 - node * node,
    "abs": lambda graph, a, _: graph.unary("sign", a),
    "sign": lambda graph, _, __: graph.constant(0.0),
}
"""For each function, its derivative from the graph, the argument and the value."""
