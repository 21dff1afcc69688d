"""Implicit differentiation by JAXopt, of a lower level that it solves itself (JAXopt: Apache-2.0).

Blondel et al. (2022), Efficient and modular implicit differentiation, NeurIPS, arXiv:2105.15183.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from tiltyard import from_callback, implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2105.15183",
    tune={"tolerance": (1e-10, 1e-2, "log"), "iterations": (10, 100, 500, 5000)},
    needs={"jax": "tiltyard[jaxopt]", "jaxopt": "tiltyard[jaxopt]"},
    requires={**STRONGLY_CONVEX, "upper_set": ("free", "box")},
)
def jaxopt_implicit(
    problem: BilevelProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    tolerance: float = 1e-8,
    iterations: int = 500,
) -> Iterator[Answer]:
    """Minimise Phi by L-BFGS-B with JAXopt's implicit gradients.

    The lower level is ``jaxopt.ScipyMinimize`` (L-BFGS-B) from the last solution; its derivative
    solves the linear system by ``jaxopt.linear_solve.solve_cg``. JAX asks for values and products
    by callbacks into the problem's oracles, which are charged; it never sees the formulas, and most
    of the time goes into its tracing. The outer steps are SciPy's L-BFGS-B. JAXopt's default
    tolerance, 1e-3 for its own L-BFGS, leaves gradients that an outer search cannot use: ours is
    1e-8. JAXopt is no longer maintained, and warns so.

    Args:
        problem: strongly convex in y, without constraints on it; X free or a box.
        rng: not used.
        tolerance: of the lower level's projected gradient, its largest entry.
        iterations: the most of the lower level at one x.
    """
    import jax
    import jaxopt

    from tiltyard.implementations.bilevel import _jax

    jax.config.update("jax_enable_x64", val=True)
    x, y = problem.start()
    yield {"x": x, "y": y}
    inner = jaxopt.ScipyMinimize(
        fun=_jax.value_and_slope(problem),
        value_and_grad=True,
        method="L-BFGS-B",
        maxiter=iterations,
        options={"gtol": tolerance, "ftol": 0.0},
        implicit_diff_solve=partial(jaxopt.linear_solve.solve_cg, tol=tolerance),
    )
    upper, last = _jax.upper(problem), y.numpy()

    def phi(w: Any) -> tuple[Any, Any]:
        z = inner.run(last, w).params
        return upper(w, z), z

    both = jax.value_and_grad(phi, has_aux=True)

    def evaluate(w: Any) -> tuple[float, Any]:
        nonlocal last
        (value, z), gradient = both(jax.numpy.asarray(w))
        last = np.array(z)
        return float(value), np.array(gradient)

    def solve(report: Callable[[Any], None]) -> Answer:
        from scipy.optimize import Bounds, minimize

        arguments: dict[str, Any] = {
            "jac": True,
            "method": "L-BFGS-B",
            "bounds": Bounds(*(bound.numpy() for bound in problem.x_bounds)),
            "callback": lambda w: report({"x": np.array(w), "y": last}),
            "options": {"gtol": 0.0, "ftol": 0.0, "maxiter": 10**9, "maxfun": 10**9},
        }
        end = minimize(evaluate, x.numpy(), **arguments).x
        return {"x": np.array(end), "y": last}

    yield from from_callback(solve)
