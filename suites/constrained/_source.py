"""Turns nodes into the text of a Python function, the same for floats, NumPy and torch."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tiltyard.suites.constrained._expression import UNARY, Graph, Node, in_order
from tiltyard.suites.constrained.model import Index

Namespace = dict[str, Any]


class Source:
    """The text of one function of x, y and scale, with the arrays that it reads.

    Args:
        graph: whose nodes are written.
        outputs: the nodes that the body will name.
    """

    def __init__(self, graph: Graph, outputs: Iterable[Node]) -> None:
        self.arrays: Namespace = {}
        self._body: list[str] = []
        self._definitions: dict[str, str] = {}
        self._graph = graph
        for node in in_order(outputs):
            self._define(node)

    def text(self, node: Node) -> str:
        """Return the name of a node, or a constant's literal."""
        match node.kind:
            case "constant":
                return _literal(node.number)
            case "data":
                return self.array(f"d{node.leaf}", self._graph.data[node.leaf])
            case "weight":
                return f"w{node.leaf}" if self._graph.weights[node.leaf].size else "scale"
            case "variable":
                return f"v{node.leaf}"
            case _:
                return f"t{node.serial}"

    def selector(self, entries: Index) -> str:
        """Return how to index entries: a number, a slice where they are evenly spaced, a name."""
        if entries.size == 1:
            return str(entries[0])
        step = int(entries[1] - entries[0])
        if step > 0 and (np.diff(entries) == step).all():
            return f"{entries[0]}:{entries[-1] + 1}:{step}"
        return self.index(entries)

    def index(self, entries: Index) -> str:
        """Return the name of an array of integers."""
        key = entries.tobytes()
        for name, array in self.arrays.items():
            if name.startswith("i") and array.tobytes() == key:
                return name
        return self.array(f"i{len(self.arrays)}", entries)

    def array(self, name: str, values: Any) -> str:
        """Keep an array for the function under a name, and return the name."""
        self.arrays[name] = values
        return name

    def add(self, *lines: str) -> None:
        """Append statements; nodes that they name are computed just before the first of them."""
        self._body += lines

    def function(self, namespace: Namespace, *, release: bool = False) -> Callable[..., Any]:
        """Return the compiled function of (x, y, scale).

        Args:
            namespace: the functions that the text calls.
            release: free every node after its last use. Large arrays then come from memory that
                is at hand, where fresh pages from the system cost more than the arithmetic.
        """
        statements = self._statements()
        if release:
            statements = _released(statements)
        body = "\n    ".join(statements)
        text = f"def function(x, y=None, scale=1.0):\n    {body}\n"
        scope = {**namespace, **self.arrays}
        # The text is made here from checked nodes alone; nothing of it comes from a user's input.
        exec(compile(text, "<constrained problem>", "exec"), scope)  # noqa: S102
        function: Callable[..., Any] = scope["function"]
        return function

    def _statements(self) -> list[str]:
        """Return definitions and body, each definition as late as its first use allows."""
        places = {name: place for place, name in enumerate(self._definitions)}
        statements: list[str] = []
        for line in self._body:
            needed, stack = set(), _names(line)
            while stack:
                name = stack.pop()
                if name in places and name not in needed:
                    needed.add(name)
                    stack += _names(self._definitions[name])
            for name in sorted(needed, key=places.__getitem__):
                statements.append(f"{name} = {self._definitions[name]}")
                del places[name]
            statements.append(line)
        return statements

    def _define(self, node: Node) -> None:
        graph = self._graph
        match node.kind:
            case "constant" | "data":
                return
            case "variable":
                right = f"x[{self.selector(graph.variables[node.leaf])}]"
            case "weight":
                rows = graph.weights[node.leaf]
                if not rows.size:
                    return
                right = f"y[{self.selector(rows)}]"
            case _:
                right = self._operation(node)
        self._definitions[self.text(node)] = right

    def _operation(self, node: Node) -> str:
        arguments = [self.text(argument) for argument in node.arguments]
        match node.kind:
            case "add":
                return " + ".join(arguments)
            case "multiply":
                return " * ".join(arguments)
            case "divide":
                return " / ".join(arguments)
            case "power":
                return _power(arguments[0], node.number)
            case _:
                return f"{node.kind}({', '.join(arguments)})"


def numpy_namespace() -> Namespace:
    """Return the functions that a text calls, on NumPy arrays."""
    names: Namespace = {name: getattr(np, name) for name in (*UNARY, "arctan2")}

    def scatter(length: int, to: Index, values: Any) -> Any:
        return np.bincount(to, np.broadcast_to(values, to.shape), length)

    return {**names, "power": np.power, "zeros": np.zeros, "copy": np.copy, "scatter": scatter}


def float_namespace() -> Namespace:
    """Return the functions that a text calls, on Python floats."""
    names: Namespace = {name: getattr(math, name) for name in UNARY if hasattr(math, name)}
    return {
        **names,
        "arctan": math.atan,
        "arctan2": math.atan2,
        "abs": abs,
        "sign": _sign,
        "power": math.pow,
        "array": np.array,
    }


def torch_namespace(device: str) -> Namespace:
    """Return the functions that a text calls, on float64 tensors of a device."""
    import torch

    def zeros(length: int) -> Any:
        return torch.zeros(length, dtype=torch.float64, device=device)

    def scatter(length: int, to: Any, values: Any) -> Any:
        values = torch.as_tensor(values, dtype=torch.float64, device=device)
        return zeros(length).index_add(0, to, values.expand(to.shape))

    def arctan2(a: Any, b: Any) -> Any:
        a, b = (torch.as_tensor(one, dtype=torch.float64, device=device) for one in (a, b))
        return torch.arctan2(a, b)

    names: Namespace = {name: getattr(torch, name) for name in UNARY}
    return {
        **names,
        "arctan2": arctan2,
        "power": torch.pow,
        "zeros": zeros,
        "copy": torch.clone,
        "scatter": scatter,
    }


def as_tensors(arrays: Namespace, device: str) -> Namespace:
    """Return arrays as tensors on a device, floating point ones in float64."""
    import torch

    return {name: torch.from_numpy(np.array(array)).to(device) for name, array in arrays.items()}


def total(source: Source, nodes: Sequence[Node]) -> str:
    """Return the text of the sum of all numbers that the nodes stand for."""
    parts = [f"{source.text(node)}.sum()" if node.size > 1 else source.text(node) for node in nodes]
    return " + ".join(parts) or "0.0"


def _sign(number: float) -> float:
    return float(np.sign(number))


def _names(text: str) -> list[str]:
    """Return the names of nodes in a text."""
    return re.findall(r"\b[tvw]\d+\b", text)


def _released(statements: Sequence[str]) -> list[str]:
    """Return the statements with each node deleted after the last one that names it."""
    last = {name: place for place, line in enumerate(statements) for name in _names(line)}
    dead: dict[int, list[str]] = {}
    for name, place in last.items():
        dead.setdefault(place, []).append(name)
    freed = []
    for place, line in enumerate(statements):
        freed.append(line)
        if place in dead and not line.startswith("return"):
            freed.append(f"del {', '.join(dead[place])}")
    return freed


def _literal(number: float) -> str:
    if math.isfinite(number):
        return f"({number!r})" if number < 0 else repr(number)
    return f"float('{number}')"


def _power(base: str, exponent: float) -> str:
    products = {2.0: f"{base} * {base}", 3.0: f"{base} * {base} * {base}"}
    if exponent == 0.5:
        return f"sqrt({base})"
    if exponent in products:
        return products[exponent]
    if -exponent in {1.0, *products}:
        return f"1.0 / ({products.get(-exponent, base)})"
    if exponent == 4.0:
        return f"({base} * {base}) * ({base} * {base})"
    return f"power({base}, {exponent!r})"
