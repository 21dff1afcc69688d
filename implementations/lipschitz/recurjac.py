"""RecurJac: recursive bounds of the Jacobian's entries.

Zhang, Zhang & Hsieh (2019), arXiv:1810.11783. An entry is a sum of entries of the next layer's
Jacobian times derivatives in intervals. Where the sign of such an entry is known, so is the end of
the interval that is worst; it is folded into the weights, and the sum goes on into the layer after.
Elsewhere the entry's own bounds, found before, end the recursion. The norm is that of the
entries' bounds.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.lipschitz._requirements import ELEMENTWISE
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem


@implementation(
    suite="lipschitz",
    kind="certified",
    cites="arXiv:1810.11783",
    devices=("cpu", "cuda"),
    requires={"norm": ("linf", "l2", "partial"), **ELEMENTWISE},
)
def recurjac(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method draws nothing
    *,
    dtype: str = "float64",
) -> Iterator[Answer]:
    """Bound every entry of the Jacobian by folding derivatives of known sign into the weights.

    Args:
        problem: any network of linear, elementwise and residual layers.
        rng: unused.
        dtype: ``float64``, or ``float32``, whose bounds are widened by 1e-4.

    Yields:
        Bounds by intervals, then by the recursion, as batches of regions are done.
    """
    from tiltyard.implementations.lipschitz._jacobian import SignedProducts
    from tiltyard.implementations.lipschitz._jacobian_norms import Recipe, jacobian_bounds

    recipe = Recipe(crown=True, rules=SignedProducts, linear=True)
    yield from jacobian_bounds(problem, recipe, dtype)
