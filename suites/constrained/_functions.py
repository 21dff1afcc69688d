"""Functions of expressions, elementwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tiltyard.suites.constrained._expression import Node


def _function(name: str) -> Callable[[Node], Node]:
    def function(a: Node) -> Node:
        return a.graph.unary(name, a)

    function.__doc__ = f"Return the {name} of an expression, elementwise."
    return function


exp, log, sqrt = _function("exp"), _function("log"), _function("sqrt")
sin, cos, tan, arctan = map(_function, ("sin", "cos", "tan", "arctan"))
sinh, cosh, tanh = _function("sinh"), _function("cosh"), _function("tanh")
absolute = _function("abs")


def arctan2(a: Node, b: Node) -> Node:
    """Return the angle of the points (b, a), elementwise."""
    return a.graph.arctan2(a, b)


def dot(coefficients: Iterable[float], expressions: Iterable[Node]) -> Node:
    """Return the sum of coefficients times expressions.

    Raises:
        ValueError: there are not as many of both, or none.
    """
    terms = [a * one for a, one in zip(coefficients, expressions, strict=True)]
    if not terms:
        raise ValueError("a sum of no expressions")
    return sum(terms[1:], terms[0])
