"""What a method of the constrained suite sees: facts, bounds and counted oracles."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Self, TypedDict

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import Unsupported
from tiltyard.names import Value
from tiltyard.suite import Problem
from tiltyard.suites.constrained._matrices import Pattern, symmetric_pattern
from tiltyard.suites.constrained.model import Model, Structure

SPARSE_FROM = 200
"""Problems with at least this many variables have the fact ``sparse``."""


class Answer(TypedDict, total=False):
    """What a method may yield besides a bare x.

    Attributes:
        x: (n,) the point; the one key that is required.
        y: (m,) multipliers of the constraints, signs as in ``tiltyard.suites.constrained.model``.
        z: (n,) multipliers of the bounds.
        claim: ``solved``, ``infeasible`` or ``unbounded`` where the method vouches for it; a wrong
            claim makes the answer unsound. Iterates claim nothing.
    """

    x: Any
    y: Any
    z: Any
    claim: str


@dataclass(eq=False)
class ConstrainedProblem(Problem):
    """Minimise f(x) subject to c_lower <= c(x) <= c_upper, lower <= x <= upper.

    An answer is x alone, an (n,) float64 array, or a mapping as ``Answer`` describes it. On the CPU
    oracles take and return NumPy arrays, on a CUDA device float64 torch tensors.

    Facts: ``track`` (``equality`` if all constraints are equations and no variable is bounded, else
    ``general``), ``n``, ``m``, ``equations``, ``inequalities``, ``bounded`` (variables with a
    bound), ``objective`` (False for a system of equations without one), ``sparse``, and
    ``gradient``, ``jacobian``, ``hessian``: whether the problem has these oracles.

    Args:
        model: the mathematics.
        has_objective: False where f is zero by definition.
    """

    _model: Model
    has_objective: bool = True
    _at: Model = field(init=False, repr=False)

    def __post_init__(self) -> None:
        model, bounds = self._model, self._model.bounds
        self._at = model
        equal = bounds.c_lower == bounds.c_upper
        equal.setflags(write=False)
        bounded = int((np.isfinite(bounds.lower) | np.isfinite(bounds.upper)).sum())
        self.x0, self.y0 = bounds.x0, bounds.y0
        self.lower, self.upper = bounds.lower, bounds.upper
        self.c_lower, self.c_upper = bounds.c_lower, bounds.c_upper
        self.equations: NDArray[np.bool_] = equal
        equality = bool(equal.all()) and not bounded
        self.facts: dict[str, Value] = {
            "track": "equality" if equality else "general",
            "n": model.n,
            "m": model.m,
            "equations": int(equal.sum()),
            "inequalities": int(model.m - equal.sum()),
            "bounded": bounded,
            "objective": self.has_objective,
            "sparse": model.n >= SPARSE_FROM,
            **{name: name in model.provides for name in ("gradient", "jacobian", "hessian")},
        }
        self._jacobian = Pattern(model.jacobian_structure, (model.m, model.n))
        self._hessian = symmetric_pattern(model.hessian_structure, model.n)

    @property
    def n(self) -> int:
        """Number of variables."""
        return self._model.n

    @property
    def m(self) -> int:
        """Number of constraints, bounds of x not counted."""
        return self._model.m

    @property
    def model(self) -> Model:
        """The uncounted mathematics, for the judge and for tests; methods leave it alone."""
        return self._model

    def on(self, device: str) -> Self:
        """Return this problem for one run; on a CUDA device its oracles take tensors.

        Where the model has no version for that device, the first oracle raises ``Unsupported``.
        """
        fresh = super().on(device)
        if device != "cpu":
            try:
                fresh._at = self._model.on(device)  # noqa: SLF001 - a copy of self
            except NotImplementedError as error:
                absent: Any = _Absent(str(error))
                fresh._at = absent  # noqa: SLF001 - a copy of self
        return fresh

    def objective(self, x: Any) -> Any:
        """Return f(x); charges ``f``."""
        return self._charged("f", self._at.objective, x)

    def gradient(self, x: Any) -> Any:
        """Return the (n,) gradient of f; charges ``g``."""
        return self._charged("g", self._at.gradient, x)

    def constraints(self, x: Any) -> Any:
        """Return the (m,) values c(x); charges ``c``."""
        return self._charged("c", self._at.constraints, x)

    @property
    def jacobian_structure(self) -> Structure:
        """Entries of the Jacobian that may be nonzero, sorted by row, then column."""
        return self._model.jacobian_structure

    def jacobian_values(self, x: Any) -> Any:
        """Return the Jacobian's values at ``jacobian_structure``; charges ``J``."""
        return self._charged("J", self._at.jacobian_values, x)

    def jacobian(self, x: Any) -> Any:
        """Return the dense (m, n) Jacobian; charges ``J``."""
        return self._jacobian.dense(self.jacobian_values(x))

    def jacobian_sparse(self, x: Any) -> Any:
        """Return the (m, n) Jacobian as ``scipy.sparse.csr_array``; charges ``J``. CPU only."""
        return self._jacobian.sparse(self.jacobian_values(x))

    def jacobian_product(self, x: Any, v: Any) -> Any:
        """Return J(x) v, (m,); charges ``Jv``."""
        return self._jacobian.times(self._charged("Jv", self._at.jacobian_values, x), v)

    def jacobian_transpose_product(self, x: Any, v: Any) -> Any:
        """Return J(x)'v, (n,); charges ``Jtv``."""
        return self._jacobian.transpose_times(self._charged("Jtv", self._at.jacobian_values, x), v)

    @property
    def hessian_structure(self) -> Structure:
        """Entries of the lower triangle of the Hessian that may be nonzero, row >= column."""
        return self._model.hessian_structure

    def hessian_values(self, x: Any, y: Any, scale: float = 1.0) -> Any:
        """Return scale Hf + sum_i y_i Hc_i at ``hessian_structure``; charges ``H``."""
        return self._charged("H", self._at.hessian_values, x, y, scale)

    def hessian(self, x: Any, y: Any, scale: float = 1.0) -> Any:
        """Return the dense (n, n) Hessian of scale f + y'c; charges ``H``."""
        return self._hessian.dense(self.hessian_values(x, y, scale))

    def hessian_sparse(self, x: Any, y: Any, scale: float = 1.0) -> Any:
        """Return it in full as ``scipy.sparse.csr_array``; charges ``H``. CPU only."""
        return self._hessian.sparse(self.hessian_values(x, y, scale))

    def hessian_product(self, x: Any, y: Any, v: Any, scale: float = 1.0) -> Any:
        """Return (scale Hf + sum_i y_i Hc_i) v, (n,); charges ``Hv``."""
        return self._hessian.times(self._charged("Hv", self._at.hessian_values, x, y, scale), v)

    def _charged(self, oracle: str, function: Any, *arguments: Any) -> Any:
        """Count a call, and on the CPU add its time to the phase ``oracles``."""
        self.count(oracle)
        if self.device != "cpu":  # synchronizing at every call would slow what it measures
            return function(*arguments)
        start = perf_counter()
        try:
            return function(*arguments)
        finally:
            phases = self._ledger.phases
            phases["oracles"] = phases.get("oracles", 0.0) + perf_counter() - start


class _Absent:
    """Stands for a model that a device lacks."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __getattr__(self, name: str) -> Any:
        raise Unsupported(self._reason)
