"""L-BFGS-B on Phi with hypergradients that are exact to rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tiltyard import from_callback, implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX

if TYPE_CHECKING:
    from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="doi:10.1145/279232.279236",
    tune={"memory": (5, 10, 20, 50)},
    requires={**STRONGLY_CONVEX, "upper_set": ("free", "box")},
    devices=("cpu", "cuda"),
)
def implicit_lbfgs(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    memory: int = 10,
    tolerance: float = 1e-11,
) -> Iterator[Answer]:
    """SciPy's L-BFGS-B on Phi, the lower level and the adjoint solved to rounding at every x.

    What an engineer would do who can afford it: truncated Newton on f from the last y, CG on
    H q = F_y from the last q, and the implicit gradient. L-BFGS-B is Zhu, Byrd, Lu and Nocedal's
    (1997).

    Args:
        problem: strongly convex lower level without constraints.
        rng: unused, the method is deterministic.
        memory: pairs that L-BFGS-B keeps.
        tolerance: of |f_y|, over max(1, |f_y| at the start), and of the adjoint's residual.
    """
    del rng
    from scipy.optimize import Bounds, minimize

    from tiltyard.implementations.bilevel._exact import Exact

    x, y = problem.start()
    yield {"x": x, "y": y}
    exact = Exact(problem, tolerance)
    low, high = (bound.cpu().numpy() for bound in problem.x_bounds)

    options: Any = {
        "maxcor": memory,
        "maxiter": 10**6,
        "maxfun": 10**7,
        "ftol": 0.0,
        "gtol": 1e-12,
    }

    def solve(report: Callable[[Answer], None]) -> None:
        minimize(
            exact.value_and_gradient,
            x.cpu().numpy(),
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(low, high),
            callback=lambda _: report({"x": exact.x, "y": exact.y}),
            options=options,
        )

    yield from from_callback(solve)
