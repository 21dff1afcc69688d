"""L-BFGS-B on Phi with exact implicit gradients: what the other methods are measured against."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tiltyard import from_callback, implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX

if TYPE_CHECKING:
    from tiltyard.suites.bilevel.problem import Answer, BilevelProblem

Array = NDArray[np.float64]


@implementation(
    suite="bilevel",
    cites="arXiv:1602.02355",
    tune={"memory": (5, 10, 20, 50)},
    requires={**STRONGLY_CONVEX, "upper_set": ("free", "box")},
    devices=("cpu", "cuda"),
)
def implicit_lbfgs(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    tolerance: float = 1e-11,
    memory: int = 10,
) -> Iterator[Answer]:
    """Minimise Phi by SciPy's L-BFGS-B with its gradient from the implicit function theorem.

    At every x the lower level is solved by L-BFGS, and H q = F_y by conjugate gradients, both from
    the last solution and to ``tolerance``. Phi is F - q'f_y, which the error of y enters squared.
    This is the classic that HOAG's paper sets out from (Bengio 2000); tolerances are ours. Where
    SciPy's line search ends on the rounding of Phi, it starts again there and takes the mean of
    both ends' gradients times the step for the change of Phi, as long as the gradient halves.

    Args:
        problem: strongly convex lower level without constraints; X is a box.
        rng: unused, the method is deterministic.
        tolerance: of the gradient of f in y and of the adjoint's residual, relative to their size
            at the start where that is above 1.
        memory: pairs of L-BFGS-B.
    """
    del rng
    from scipy.optimize import Bounds, minimize

    oracle = _Phi(problem, tolerance)
    x, y = problem.start()
    yield {"x": x, "y": y}
    bounds = Bounds(*(bound.cpu().numpy() for bound in problem.x_bounds))

    def solve(report: Callable[[Any], None]) -> Answer:
        start, size = x.cpu().numpy(), math.inf
        while True:
            result = minimize(
                oracle,
                start,
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                callback=lambda at: report(oracle.answer(at)),
                options={
                    "maxcor": memory,
                    "ftol": 0.0,
                    "gtol": 0.0,
                    "maxiter": 10**9,
                    "maxfun": 10**9,
                },
            )
            start = result.x
            left = np.clip(start - result.jac, bounds.lb, bounds.ub) - start
            last, size = size, float(np.linalg.norm(left))
            if not 0.0 < size < 0.5 * last:
                return oracle.answer(start)
            oracle.anchor = start, result.jac

    yield from from_callback(solve)


class _Phi:
    """Phi and its gradient at NumPy's x, (dim_x,) float64.

    Attributes:
        anchor: None, or a point and the gradient there: the value is then the change of Phi from
            there by the trapezoid rule, which does not lose small changes in rounding.
    """

    def __init__(self, problem: BilevelProblem, tolerance: float) -> None:
        from tiltyard.implementations.bilevel._lower_lbfgs import LowerLBFGS

        self.anchor: tuple[Array, Array] | None = None
        self._problem, self._tolerance = problem, tolerance
        x, y = problem.start()
        self._device = x.device
        self._lower, self._q = LowerLBFGS(problem, y), 0.0 * y
        self._size = max(1.0, float(problem.lower_gradient_y(x, y).norm()))

    def __call__(self, at: Array) -> tuple[float, Array]:
        """Return both."""
        from tiltyard.implementations.bilevel._implicit import conjugate_gradients

        problem, x = self._problem, self._tensor(at)
        y = self._lower.solve(x, self._tolerance * self._size)
        F_x, F_y = problem.upper_gradients(x, y)
        self._q, _ = conjugate_gradients(
            lambda v: problem.hessian_product(x, y, v),
            F_y,
            self._q,
            iterations=10 * len(y),
            tolerance=self._tolerance * max(1.0, float(F_y.norm())),
        )
        slope = (F_x - problem.cross_product(x, y, self._q)).cpu().numpy()
        if self.anchor is not None:
            point, there = self.anchor
            return 0.5 * float((there + slope) @ (at - point)), slope
        return problem.upper(x, y) - float(self._q @ self._lower.residual), slope

    def answer(self, at: Array) -> Answer:
        """Return x with the lower level's latest solution, which is at this x or close to it."""
        return {"x": self._tensor(at), "y": self._lower.y}

    def _tensor(self, at: Array) -> Any:
        import torch

        return torch.from_numpy(np.array(at)).to(self._device)
