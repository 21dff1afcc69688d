"""Exact: one mixed-integer linear program for every row of the Jacobian (LipMIP), by HiGHS.

Jordan & Dimakis (2020), arXiv:2003.01219.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tiltyard import implementation
from tiltyard.suites.lipschitz.problem import LipschitzProblem

Array = NDArray[np.float64]


@implementation(
    suite="lipschitz",
    kind="certified",
    cites="arXiv:2003.01219",
    requires={
        "norm": ("linf", "partial"),
        "region": ("box",),
        "architecture": ("chain",),
        "activation": ("relu", "leaky_relu", "mixed", "none"),
    },
)
def milp(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    nodes: int = 200,
    seconds: float = 1.0,
) -> Iterator[dict[str, Array]]:
    """Maximise each row's absolute sum, or each partial derivative, as a mixed-integer program.

    HiGHS's dual bounds count, never its solutions: a region's bound is the largest over the rows,
    and it is exact once the row that attains it is solved to optimality. Until then that row is
    solved again with four times the limits, since HiGHS does not resume.

    Args:
        problem: one with ReLU or leaky ReLU and boxes.
        rng: not used.
        nodes: the first limit of a program's branches.
        seconds: the first limit of its time, for programs whose first relaxations take long.

    Yields:
        ``upper``, ``problem.shape`` float64, whenever it improves.
    """
    from tiltyard.implementations.lipschitz._exact_bounds import piecewise
    from tiltyard.implementations.lipschitz._exact_region import regions
    from tiltyard.implementations.lipschitz._exact_rows import targets
    from tiltyard.implementations.lipschitz._exact_search import affine_answer

    net = piecewise(problem)
    if not net.slopes:
        yield {"upper": affine_answer(problem, net)}
        return
    upper = np.full(problem.shape, np.inf)
    flat = upper.reshape(problem.regions, -1)
    open_targets = {}
    for i, region in enumerate(regions(problem)):
        for j, target in enumerate(targets(problem, net, region)):
            flat[i, j] = target.upper
            open_targets[i, j] = target
        yield {"upper": upper.copy()}
    while open_targets:
        for at, target in list(open_targets.items()):
            problem.count("branch", 1)
            target.improve(nodes, seconds)
            if target.closed:
                del open_targets[at]
            if target.upper < flat[at] or not open_targets:
                flat[at] = target.upper
                yield {"upper": upper.copy()}
