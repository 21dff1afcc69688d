"""Hypergradients by BOAT, the bilevel optimisation toolbox (boat-torch: MIT).

Liu et al., BOAT: a bi-level optimization toolbox, https://github.com/callous-youth/BOAT.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.errors import Unsupported
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem

OPERATIONS = ("CG", "NS", "RAD")


@implementation(
    suite="bilevel",
    cites="https://github.com/callous-youth/BOAT",
    tune={"operation": OPERATIONS, "step": (1e-3, 1.0, "log"), "inner": (5, 10, 20, 50)},
    # It asks for a NumPy below 2 and runs with later ones: pip must not look at what it asks for.
    needs={"boat_torch": "boat-torch' --no-deps 'higher", "higher": "higher"},
    requires={**STRONGLY_CONVEX, "curvature": (True,)},
)
def boat(
    problem: BilevelProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    operation: str = "CG",
    step: float = 0.1,
    inner: int = 20,
    linear: int = 20,
) -> Iterator[Answer]:
    """Let BOAT descend on f (its NGD), differentiate through that, and take Adam steps of x.

    The losses that it differentiates are the problem's counted oracles: unrolling asks for Hessian
    and cross products, and an f_x that is thrown away is charged with each f_y, since torch does
    not tell what was asked for. BOAT also evaluates both losses at the end of each iteration, for
    its log. Defaults are ours: it has none for steps.

    Args:
        problem: strongly convex in y with known curvature, without constraints on it.
        rng: not used.
        operation: CG (conjugate gradients), NS (Neumann series) or RAD (reverse mode through all
            steps of y).
        step: Adam's, for x.
        inner: steps of y, of length 1 / L, for each step of x.
        linear: iterations of CG and NS.

    Raises:
        Unsupported: another operation.
    """
    from tiltyard.implementations.bilevel._boat import Solver, settings

    if operation not in OPERATIONS:
        raise Unsupported(f"needs operation = {', '.join(OPERATIONS)}; it is {operation}")
    x, y = problem.start()
    yield {"x": x, "y": y}
    solver = Solver(problem, settings(operation, inner, linear), step)
    for k in itertools.count():
        solver.iterate(k)
        yield {"x": solver.x.value.detach().clone(), "y": solver.y.value.detach().clone()}
