"""The judge's own solution of a lower level without constraints, in float64.

Newton's method with conjugate gradients on the Hessian, all by automatic differentiation of the
model's ``lower``: what the model states of its derivatives is not asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from tiltyard.suites.bilevel._conjugate_gradients import Operator, Solved, conjugate_gradients
from tiltyard.suites.bilevel.model import Model

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 1e-10
"""The gradient's norm at a solution, over max(1, that at y0)."""

DENSE = 2000
"""Up to this many variables the whole Hessian is factorised where CG is slow."""

_EPS = 2.0**-52
_ITERATIONS = 200
_PRODUCTS = 20_000
_CHUNK = 2e6
_FORCING = 1e-6


class Local:
    """A function of y around one point: value, gradient, and products with the Hessian.

    Args:
        function: of (dim_y,) tensors, a scalar: f(x, .) or a Lagrangian.
        y: the point.

    Attributes:
        value: of the function.
        gradient: (dim_y,) its gradient in y.
        norm: of the gradient; infinite where anything is not finite.
    """

    def __init__(self, function: Callable[[Tensor], Tensor], y: Tensor, samples: int = 1) -> None:
        self._samples = samples
        with torch.enable_grad():
            self._y = y.detach().clone().requires_grad_()
            value = function(self._y)
            if value.requires_grad:
                (self._slope,) = torch.autograd.grad(
                    value, self._y, create_graph=True, materialize_grads=True
                )
            else:
                self._slope = torch.zeros_like(self._y)
        self.value, self.gradient = float(value.detach()), self._slope.detach()
        norm = float(self.gradient.norm())
        self.norm = norm if math.isfinite(norm + self.value) else math.inf

    @property
    def y(self) -> Tensor:
        """The point, (dim_y,)."""
        return self._y.detach()

    def product(self, v: Tensor) -> Tensor:
        """Return (d2f/dy2) v, (dim_y,)."""
        return self._products(v, batched=False)

    def hessian(self) -> Tensor:
        """Return d2f/dy2, (dim_y, dim_y), symmetric to the last bit."""
        d = len(self._y)
        rows = max(1, min(d, int(_CHUNK / (10.0 * self._samples + d))))
        eye = torch.eye(d, dtype=torch.float64)
        H = torch.cat([self._products(part, batched=True) for part in torch.split(eye, rows)])
        return 0.5 * (H + H.T)

    def _products(self, v: Tensor, *, batched: bool) -> Tensor:
        if not self._slope.requires_grad:
            return torch.zeros_like(v)
        return torch.autograd.grad(
            self._slope,
            self._y,
            v,
            retain_graph=True,
            is_grads_batched=batched,
            materialize_grads=True,
        )[0]


@dataclass(frozen=True, slots=True)
class Solution:
    """A minimiser of f(x, .), as near as rounding lets it be.

    Attributes:
        x: (dim_x,).
        local: f around it.
        scale: max(1, |gradient at y0|): what the residual is measured by.
    """

    x: Tensor
    local: Local
    scale: float

    @property
    def y(self) -> Tensor:
        """The minimiser, (dim_y,)."""
        return self.local.y

    @property
    def value(self) -> float:
        """The least value of f(x, .)."""
        return self.local.value

    @property
    def residual(self) -> float:
        """|df/dy| over the scale: at most ``TOLERANCE`` unless rounding prevents it."""
        return self.local.norm / self.scale


@dataclass(frozen=True, slots=True)
class Anchor:
    """A known solution to start from.

    Attributes:
        x: (dim_x,).
        y: (dim_y,) the solution there.
        inverse: of the Hessian there, where it was factorised.
    """

    x: Tensor
    y: Tensor
    inverse: Operator | None


class LowerLevel:
    """Solves f(x, .) at one x after another, each from the last one's solution or an anchor."""

    def __init__(self, model: Model) -> None:
        self.model = model.on("cpu")
        self._start: Tensor = self.model.y0
        self._inverse: Operator | None = None
        self._anchors: list[Anchor] = []

    def anchor(self, *points: Tensor) -> None:
        """Start at the solution of the nearest of these x from now on, not at the last one.

        A solution then depends on its x alone, and on the start where one is given.
        """
        made = []
        for x in points:
            self.solve(x)
            made.append(Anchor(x, self._start, self._inverse))
        self._anchors = made

    def solve(
        self, x: Tensor, start: Tensor | None = None, *, hint: Tensor | None = None
    ) -> Solution:
        """Return the minimiser that Newton's method finds.

        Where f is not finite, nor is the solution's value or residual.

        Args:
            x: (dim_x,).
            start: (dim_y,); the last solution, or an anchor's, if None.
            hint: (dim_y,), the start where its gradient is smaller: for a strongly convex f only.
        """
        if self._anchors:
            near = min(self._anchors, key=lambda one: float((one.x - x).norm()))
            self._start, self._inverse = near.y, near.inverse
        origin = self._local(x, self.model.y0)
        scale = max(1.0, origin.norm)
        here = self._local(x, self._start if start is None else start)
        if not here.norm < math.inf or (start is None and here.value > origin.value):
            here = origin
        if hint is not None and (other := self._local(x, hint)).norm < here.norm:
            here = other
        if not here.norm < math.inf:
            return Solution(x, here, 1.0)
        for _ in range(_ITERATIONS):
            if here.norm <= _EPS * scale:
                break
            forcing = max(_FORCING, min(0.1, here.norm / scale))
            new = self._step(x, here, self.linear(here, -here.gradient, forcing).q)
            if new is None or (here.norm <= TOLERANCE * scale and new.norm > 0.5 * here.norm):
                here = new if new is not None and new.norm < here.norm else here
                break
            here = new
        if here.norm <= TOLERANCE * scale:
            self._start = here.y
        return Solution(x, here, scale)

    def linear(self, local: Local, b: Tensor, tolerance: float) -> Solved:
        """Solve (d2f/dy2) q = b by CG, with the Hessian's factor where CG alone is slow."""
        d = len(b)
        small = d <= DENSE
        patience = max(25, d // 4) if self._inverse is None else max(25, d // 8)
        found = conjugate_gradients(
            local.product,
            b,
            tolerance=tolerance,
            limit=patience if small else _PRODUCTS,
            precondition=self._inverse,
        )
        if found.residual <= tolerance or not small or not found.convex:
            return found
        self._inverse = _inverse(local.hessian())
        again = conjugate_gradients(
            local.product, b, tolerance=tolerance, limit=10 * d + 100, precondition=self._inverse
        )
        return again if again.residual <= found.residual else found

    def _local(self, x: Tensor, y: Tensor) -> Local:
        return Local(lambda z: self.model.lower(x, z, None), y, self.model.n_lower)

    def _step(self, x: Tensor, here: Local, direction: Tensor) -> Local | None:
        """Return the point of a backtracking search; None where no length helps.

        Where the decrease is lost in the value's rounding, the gradient's norm decides.
        """
        slope = float(here.gradient @ direction)
        if not slope < 0.0:
            direction, slope = -here.gradient, -(here.norm**2)
        noise = 16.0 * _EPS * max(1.0, abs(here.value))
        length = 1.0
        for _ in range(60):
            new = self._local(x, here.y + length * direction)
            if new.norm < math.inf:
                if new.value <= here.value + 1e-4 * length * slope:
                    return new
                if new.value <= here.value + noise and new.norm < here.norm:
                    return new
            length *= 0.5
        return None


def _inverse(H: Tensor) -> Operator | None:
    """Return the product with the inverse, if H is positive definite."""
    factor, failed = torch.linalg.cholesky_ex(H)
    if int(failed) or not bool(torch.isfinite(factor).all()):
        return None
    return lambda v: torch.cholesky_solve(v[:, None], factor)[:, 0]
