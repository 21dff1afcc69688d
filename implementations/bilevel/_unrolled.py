"""Differentiation through the steps of gradient descent on the lower level."""

from __future__ import annotations

from torch import Tensor

from tiltyard.suites.bilevel.problem import BilevelProblem


def unrolled(
    problem: BilevelProblem, x: Tensor, y: Tensor, *, step: float, inner: int, back: int
) -> tuple[Tensor, Tensor]:
    """Return y_T after ``inner`` steps from y, and the gradient in x of F(x, y_T).

    The chain rule through y_{t+1} = y_t - step f_y(x, y_t), in reverse: p = F_y and, for t from
    T - 1 down, d <- d - step J(y_t) p and p <- p - step H(y_t) p. Only the last ``back`` steps are
    differentiated (Shaban et al. 2019). All iterates that this needs are kept.
    """
    path = []
    for t in range(inner):
        if inner - t <= back:
            path.append(y)
        y = y - step * problem.lower_gradient_y(x, y)
    d, p = problem.upper_gradients(x, y)
    for left, at in enumerate(reversed(path), start=1):
        d = d - step * problem.cross_product(x, at, p)
        if left < len(path):
            p = p - step * problem.hessian_product(x, at, p)
    return y, d
