"""The mathematics of one constrained problem, uncounted: what oracles and the judge evaluate.

Minimise f(x) subject to c_lower <= c(x) <= c_upper and lower <= x <= upper; a row of c with
c_lower = c_upper is an equation. The Lagrangian is L(x, y, z) = f(x) + y'c(x) + z'x: at a solution
grad f + J'y + z = 0, with y_i >= 0 at an upper and y_i <= 0 at a lower bound of c_i, and z likewise
for the bounds of x.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Structure:
    """Where a sparse matrix may be nonzero: unique entries, sorted by row, then column.

    Attributes:
        rows: (k,) row numbers.
        columns: (k,) column numbers.
    """

    rows: Index
    columns: Index

    def __post_init__(self) -> None:
        self.rows.setflags(write=False)
        self.columns.setflags(write=False)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(eq=False, kw_only=True)
class Bounds:
    """Where a model starts, and between what its variables and constraints may lie.

    Attributes:
        x0: (n,) the start that every method shares.
        y0: (m,) multipliers to start from; zero where the source gives none.
        lower: (n,) lower bounds of x, -inf for none.
        upper: (n,) upper bounds of x, inf for none.
        c_lower: (m,) lower bounds of c.
        c_upper: (m,) upper bounds of c.
    """

    x0: Array
    y0: Array
    lower: Array
    upper: Array
    c_lower: Array
    c_upper: Array

    def __post_init__(self) -> None:
        for name in ("x0", "y0", "lower", "upper", "c_lower", "c_upper"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            setattr(self, name, array)


class Model(ABC):
    """One problem's functions and exact derivatives, in float64.

    Matrices are given by values at the entries of a fixed structure. A model without some
    derivative leaves it out of ``provides`` and need not define its methods.

    Attributes:
        bounds: start and bounds.
        jacobian_structure: of the (m, n) Jacobian of c.
        hessian_structure: of the lower triangle (row >= column) of the Lagrangian's Hessian.
        provides: of ``gradient``, ``jacobian`` and ``hessian``, those that the model has.
    """

    bounds: Bounds
    jacobian_structure: Structure
    hessian_structure: Structure
    provides: frozenset[str] = frozenset({"gradient", "jacobian", "hessian"})

    @property
    def n(self) -> int:
        """Number of variables."""
        return len(self.bounds.x0)

    @property
    def m(self) -> int:
        """Number of constraints, bounds of x not counted."""
        return len(self.bounds.c_lower)

    @abstractmethod
    def objective(self, x: Any) -> Any:
        """Return f(x): a float, or a tensor () where x is one."""

    @abstractmethod
    def gradient(self, x: Any) -> Any:
        """Return the (n,) gradient of f."""

    @abstractmethod
    def constraints(self, x: Any) -> Any:
        """Return the (m,) values c(x)."""

    @abstractmethod
    def jacobian_values(self, x: Any) -> Any:
        """Return the Jacobian's values at the entries of ``jacobian_structure``."""

    @abstractmethod
    def hessian_values(self, x: Any, y: Any, scale: float = 1.0) -> Any:
        """Return the values of scale * Hf(x) + sum_i y_i Hc_i(x) at ``hessian_structure``."""

    def on(self, device: str) -> Model:
        """Return the model for torch tensors on a device.

        Raises:
            NotImplementedError: the model works on NumPy arrays alone.
        """
        raise NotImplementedError(f"this problem has no version for {device}")

    def lagrangian_gradient(self, x: Array, y: Array) -> Array:
        """Return grad f(x) + J(x)'y as (n,) float64, for the judge.

        A model that can differentiate f and c in a second, independent way does it here.
        """
        at = self.jacobian_structure
        pulled = np.bincount(at.columns, self.jacobian_values(x) * y[at.rows], self.n)
        total: Array = self.gradient(x) + pulled
        return total
