"""Group partially separable functions, the form in which SIF states a problem.

A group is g(t) / s with t = a'x - b + sum_j w_j e_j(x), where each element function e_j depends on
a few variables (Conn, Gould & Toint, LANCELOT, 1992, chapter 2). Derivatives are assembled at fixed
structures with ``bincount``; only element and group functions run as Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiltyard.suites.constrained.model import Array, Index, Structure

Derivatives = Callable[[int, Any], Any]
"""Value alone, or with first, or with first and second derivatives, as the order 0, 1 or 2 asks."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element function of the variables at ``columns``, which may repeat one."""

    function: Derivatives
    columns: Index


@dataclass(frozen=True, slots=True)
class Group:
    """One group: its linear part, its elements with their weights, and its group function.

    Attributes:
        columns: of the linear part's coefficients.
        coefficients: of the linear part.
        constant: b.
        scale: s.
        elements: numbers of elements.
        weights: of the elements.
        function: g; None for the identity.
    """

    columns: Index
    coefficients: Array
    constant: float
    scale: float
    elements: Index
    weights: Array
    function: Derivatives | None


class Groups:
    """A vector of groups with its Jacobian and weighted Hessian.

    Args:
        groups: one a row.
        elements: what the groups refer to.
        n: number of variables.
    """

    def __init__(self, groups: Sequence[Group], elements: Sequence[Element], n: int) -> None:
        used = sorted({int(e) for group in groups for e in group.elements})
        number = {e: k for k, e in enumerate(used)}
        self._n, self._m = n, len(groups)
        self._elements = [elements[e] for e in used]
        self._constants = np.array([group.constant for group in groups], dtype=np.float64)
        self.scales = np.array([group.scale for group in groups], dtype=np.float64)
        self._functions = [
            (i, group.function) for i, group in enumerate(groups) if group.function is not None
        ]
        counts = [len(group.elements) for group in groups]
        self._use_rows = np.repeat(np.arange(self._m), counts)
        self._uses = np.array([number[int(e)] for g in groups for e in g.elements], dtype=np.intp)
        self._use_weights = _joined([group.weights for group in groups], np.float64)
        self._lay_out_gradients(groups)
        self._lay_out_hessians()

    def _lay_out_gradients(self, groups: Sequence[Group]) -> None:
        """Fix the Jacobian's structure, and where each element's gradient goes."""
        sizes = np.array([len(element.columns) for element in self._elements], dtype=np.intp)
        self._gradient_ends = np.cumsum(sizes)
        starts = self._gradient_ends - sizes
        spread = [self._elements[e].columns for e in self._uses]
        self._from = _joined([starts[e] + np.arange(sizes[e]) for e in self._uses], np.intp)
        self._by = np.repeat(self._use_weights, sizes[self._uses])
        rows = np.repeat(self._use_rows, sizes[self._uses])
        linear_rows = np.repeat(np.arange(self._m), [len(group.columns) for group in groups])
        linear = linear_rows * self._n + _joined([group.columns for group in groups], np.intp)
        flat = rows * self._n + _joined(spread, np.intp)
        every, at = np.unique(np.concatenate([linear, flat]), return_inverse=True)
        coefficients = _joined([group.coefficients for group in groups], np.float64)
        self._linear = add_up(at[: len(linear)], coefficients, len(every))
        self._to = at[len(linear) :]
        self.jacobian_structure = Structure(every // self._n, every % self._n)

    def _lay_out_hessians(self) -> None:
        """Fix the lower triangle's structure, and where elements and outer products go."""
        lower, owners, sources = [], [], []
        offset = 0
        for e, element in enumerate(self._elements):
            v = element.columns
            # Of a symmetric block one entry of each pair; of a repeated variable both.
            a, b = np.nonzero(v[:, None] >= v[None, :])
            lower.append(v[a] * self._n + v[b])
            owners.append(np.full(len(a), e))
            sources.append(offset + a * len(v) + b)
            offset += len(v) ** 2
        columns = self.jacobian_structure.columns
        first, second, outer_rows = [], [], []
        starts = np.searchsorted(self.jacobian_structure.rows, np.arange(self._m + 1))
        for i, _ in self._functions:
            a, b = np.tril_indices(starts[i + 1] - starts[i])
            first.append(starts[i] + a)
            second.append(starts[i] + b)
            outer_rows.append(np.full(len(a), i))
        self._first, self._second = _joined(first, np.intp), _joined(second, np.intp)
        self._outer_rows = _joined(outer_rows, np.intp)
        self._owners, self._sources = _joined(owners, np.intp), _joined(sources, np.intp)
        blocks = _joined(lower, np.intp)
        flat = np.concatenate([blocks, columns[self._first] * self._n + columns[self._second]])
        every, self._hessian_to = np.unique(flat, return_inverse=True)
        self.hessian_structure = Structure(every // self._n, every % self._n)

    def values(self, x: Array) -> Array:
        """Return the (m,) values."""
        values, _, _ = self._outer(self._inner(x, self._element_values(x)), 0)
        return values

    def jacobian_values(self, x: Array) -> Array:
        """Return the Jacobian's values at ``jacobian_structure``."""
        f, g, _ = self._element_derivatives(x, 1)
        _, slopes, _ = self._outer(self._inner(x, f), 1)
        values: Array = slopes[self.jacobian_structure.rows] * self._inner_slopes(g)
        return values

    def hessian_values(self, x: Array, weights: Array) -> Array:
        """Return sum_i weights_i H_i at the lower triangle's ``hessian_structure``."""
        f, g, H = self._element_derivatives(x, 2)
        _, slopes, curvatures = self._outer(self._inner(x, f), 2)
        pull = (weights * slopes)[self._use_rows] * self._use_weights
        on_elements = add_up(self._uses, pull, len(self._elements))
        parts = [on_elements[self._owners] * H[self._sources]]
        if self._functions:
            inner = self._inner_slopes(g)
            bend = (weights * curvatures)[self._outer_rows]
            parts.append(bend * inner[self._first] * inner[self._second])
        return add_up(self._hessian_to, np.concatenate(parts), len(self.hessian_structure))

    def _element_values(self, x: Array) -> Array:
        x = x[:, None]
        f = np.empty(len(self._elements))
        for k, element in enumerate(self._elements):
            try:
                f[k] = _scalar(element.function(0, x[element.columns]))
            except (ArithmeticError, ValueError, TypeError):  # outside its domain, or complex
                f[k] = np.nan
        return f

    def _element_derivatives(self, x: Array, order: int) -> tuple[Array, Array, Array]:
        """Return values, gradients end to end and, for order 2, Hessians end to end."""
        x = x[:, None]
        f = np.empty(len(self._elements))
        gradients, hessians = [], []
        for k, element in enumerate(self._elements):
            size = len(element.columns)
            try:
                f[k], g, *rest = element.function(order, x[element.columns])
                gradients.append(np.array(g, dtype=np.float64).reshape(size))
                hessians += [np.array(H, dtype=np.float64).reshape(size**2) for H in rest]
            except (ArithmeticError, ValueError, TypeError):
                f[k] = np.nan
                del gradients[k:], hessians[k:]
                gradients.append(np.full(size, np.nan))
                if order == 2:
                    hessians.append(np.full(size**2, np.nan))
        return f, _joined(gradients, np.float64), _joined(hessians, np.float64)

    def _inner(self, x: Array, f: Array) -> Array:
        """Return the groups' arguments t."""
        at = self.jacobian_structure
        linear = add_up(at.rows, self._linear * x[at.columns], self._m)
        nonlinear = add_up(self._use_rows, self._use_weights * f[self._uses], self._m)
        t: Array = linear - self._constants + nonlinear
        return t

    def _inner_slopes(self, gradients: Array) -> Array:
        """Return the derivatives of t at ``jacobian_structure``."""
        spread = add_up(self._to, self._by * gradients[self._from], len(self._linear))
        slopes: Array = self._linear + spread
        return slopes

    def _outer(self, t: Array, order: int) -> tuple[Array, Array, Array]:
        """Return values of the groups and their first and second derivatives with respect to t."""
        jets = np.zeros((3, self._m))
        jets[0], jets[1] = t, 1.0
        for i, function in self._functions:
            try:
                jet = function(order, float(t[i]))
                jets[: order + 1, i] = [_scalar(part) for part in (jet if order else (jet,))]
            except (ArithmeticError, ValueError, TypeError):
                jets[:, i] = np.nan
        jets /= self.scales
        return jets[0], jets[1], jets[2]


def add_up(at: Index, values: Array, size: int) -> Array:
    """Return zeros (size,) with each value added at its place."""
    total: Array = np.bincount(at, values, size).astype(np.float64, copy=False)  # int if empty
    return total


def _scalar(value: Any) -> float:
    """Return a number, or the one entry of an array, as a float."""
    return float(value if isinstance(value, float) else np.asarray(value).item())


def _joined(parts: Sequence[Any], dtype: Any) -> Any:
    """Return arrays end to end; empty of that type where there are none."""
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype)
