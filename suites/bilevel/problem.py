"""What a method of the bilevel suite sees: facts, starts, sets, counted oracles, minibatches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypedDict

import numpy as np

from tiltyard.errors import Unsupported
from tiltyard.names import Value
from tiltyard.suite import Problem
from tiltyard.suites.bilevel._projections import check_projections
from tiltyard.suites.bilevel.model import Array, Model, Pair

if TYPE_CHECKING:
    from torch import Tensor

Level = Literal["lower", "upper"]
Track = Literal["deterministic", "stochastic", "constrained", "library", "hypergradient"]


class Answer(TypedDict, total=False):
    """What a method yields.

    Attributes:
        x: (dim_x,) float64; needed in every track but ``hypergradient``.
        y: (dim_y,) float64, the method's solution of the lower level; needed where constraints or
            several solutions make it part of the answer (tracks ``constrained`` and ``library``),
            elsewhere it is only measured.
        hypergradient: (dim_x,) float64, the gradient of Phi at ``start()``'s x: the one key of
            track ``hypergradient``.
    """

    x: Any
    y: Any
    hypergradient: Any


class HeldOut(Protocol):
    """Measures an answer on data that no method sees."""

    def __call__(self, x: Array, y: Array) -> dict[str, float]:
        """Return some of the metrics ``test_error``, ``auc``, ``f1`` at x and y = y*(x)."""
        ...


@dataclass(eq=False, kw_only=True)
class BilevelProblem(Problem):
    """Minimise F(x, y) over x in X, where y minimises f(x, .) over Y subject to g(x, y) <= 0.

    Vectors are float64 torch tensors on the run's device. Oracles charge as many samples as they
    evaluate: n_upper or n_lower, or the number of rows that they are given.

    Facts: ``track``; ``dim_x``, ``dim_y``; ``n_lower``, ``n_upper`` (samples, 1 where f or F is no
    sum) and ``finite_sum`` (whether either has more); ``lower_convexity`` (``strong``, ``convex``,
    ``nonconvex``) and ``lower_unique``; ``constraints`` (form of g: ``none``, ``linear``,
    ``convex``, ``nonlinear``), ``equations``, ``inequalities``, ``upper_constraints`` (the number
    of G); ``upper_set`` and ``lower_set`` (``free``, ``box``, ``affine``); ``joint_projection`` and
    ``curvature``: whether the problem has them.

    Attributes:
        model: the uncounted mathematics, for the judge and for tests; methods leave it alone.
        track: the suite's.
        held_out: measures answers on data of its own; None where there is none.
    """

    model: Model
    track: Track
    held_out: HeldOut | None = None
    _at: Model = field(init=False, repr=False)
    _arrays: Mapping[str, Array] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        model = self.model
        self.n_lower, self.n_upper = model.n_lower, model.n_upper
        self.dim_x, self.dim_y = model.dim_x, model.dim_y
        constrained = model.equations + model.inequalities > 0
        boxes = {
            level: bool(
                np.isfinite(model.arrays[f"{level}_lower"]).any()
                or np.isfinite(model.arrays[f"{level}_upper"]).any()
            )
            for level in ("x", "y")
        }
        self.facts: dict[str, Value] = {
            "track": self.track,
            "dim_x": model.dim_x,
            "dim_y": model.dim_y,
            "n_lower": model.n_lower,
            "n_upper": model.n_upper,
            "finite_sum": max(model.n_lower, model.n_upper) > 1,
            "lower_convexity": model.convexity,
            "lower_unique": model.unique,
            "constraints": model.form,
            "equations": model.equations,
            "inequalities": model.inequalities,
            "upper_constraints": model.upper_inequalities,
            "upper_set": "affine" if model.affine else "box" if boxes["x"] else "free",
            "lower_set": "box" if boxes["y"] else "free",
            "joint_projection": model.joint or not constrained,
            "curvature": type(model).curvature is not Model.curvature,
        }
        # Where conformance looks: the tensors share these arrays' memory.
        self._arrays = model.arrays
        self._at = model.on("cpu")
        check_projections(self._at, joint=bool(self.facts["joint_projection"]))

    def on(self, device: str) -> Self:
        """Return this problem for one run, its data on the device, without its held-out data."""
        fresh = super().on(device)
        fresh.held_out = None
        fresh._at = self.model.on(device)  # noqa: SLF001 - a copy of self
        return fresh

    def start(self) -> Pair:
        """Return new tensors x0 in X and y0 in Y."""
        return self._at.project_x(self._at.x0.clone()), self._at.project_y(self._at.y0.clone())

    @property
    def x_bounds(self) -> Pair:
        """Lower and upper bounds of x, (dim_x,) each; infinite where there is none."""
        return self._at.x_lower, self._at.x_upper

    @property
    def y_bounds(self) -> Pair:
        """Lower and upper bounds of y, (dim_y,) each; infinite where there is none."""
        return self._at.y_lower, self._at.y_upper

    def upper(self, x: Tensor, y: Tensor, rows: Tensor | None = None) -> float:
        """Return F(x, y); charges ``F``."""
        self._charge_upper(rows, "F")
        return float(self._at.upper(x, y, rows))

    def upper_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None = None) -> Pair:
        """Return the gradients of F in x and in y; charges ``F_x`` and ``F_y``."""
        self._charge_upper(rows, "F_x", "F_y")
        return self._at.upper_gradients(x, y, rows)

    def upper_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None = None) -> Tensor:
        """Return the gradient of F in x; charges ``F_x``."""
        self._charge_upper(rows, "F_x")
        return self._at.upper_gradient_x(x, y, rows)

    def upper_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None = None) -> Tensor:
        """Return the gradient of F in y; charges ``F_y``."""
        self._charge_upper(rows, "F_y")
        return self._at.upper_gradient_y(x, y, rows)

    def lower(self, x: Tensor, y: Tensor, rows: Tensor | None = None) -> float:
        """Return f(x, y); charges ``f``."""
        self._charge_lower(rows, "f")
        return float(self._at.lower(x, y, rows))

    def lower_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None = None) -> Pair:
        """Return the gradients of f in x and in y; charges ``f_x`` and ``f_y``."""
        self._charge_lower(rows, "f_x", "f_y")
        return self._at.lower_gradients(x, y, rows)

    def lower_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None = None) -> Tensor:
        """Return the gradient of f in x; charges ``f_x``."""
        self._charge_lower(rows, "f_x")
        return self._at.lower_gradient_x(x, y, rows)

    def lower_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None = None) -> Tensor:
        """Return the gradient of f in y; charges ``f_y``."""
        self._charge_lower(rows, "f_y")
        return self._at.lower_gradient_y(x, y, rows)

    def hessian_product(
        self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None = None
    ) -> Tensor:
        """Return (d2f/dy2) v, (dim_y,); charges ``hvp``."""
        self._charge_lower(rows, "hvp")
        return self._at.hessian_product(x, y, v, rows)

    def cross_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None = None) -> Tensor:
        """Return (d2f/dx dy) v, (dim_x,), for v of (dim_y,); charges ``cross``."""
        self._charge_lower(rows, "cross")
        return self._at.cross_product(x, y, v, rows)

    def curvature(self, x: Tensor) -> tuple[float, float]:
        """Return mu > 0 and L that bound the eigenvalues of d2f/dy2 at x and every y; free.

        Raises:
            Unsupported: they are not known; the fact ``curvature`` says so.
        """
        try:
            return self._at.curvature(x)
        except NotImplementedError:
            raise Unsupported("needs curvature: bounds of the lower level's Hessian") from None

    def constraints(self, x: Tensor, y: Tensor) -> Tensor:
        """Return g(x, y): equations first (= 0), then inequalities (<= 0); charges ``g``."""
        self.count("g")
        return self._at.constraints(x, y)

    def constraint_products(self, x: Tensor, y: Tensor, multipliers: Tensor) -> Pair:
        """Return the gradients of <multipliers, g> in x and y; charges ``g_product``."""
        self.count("g_product")
        return self._at.constraint_products(x, y, multipliers)

    def upper_constraints(self, x: Tensor, y: Tensor) -> Tensor:
        """Return G(x, y), <= 0 where feasible; charges ``upper_g``."""
        self.count("upper_g")
        return self._at.upper_constraints(x, y)

    def upper_constraint_products(self, x: Tensor, y: Tensor, multipliers: Tensor) -> Pair:
        """Return the gradients of <multipliers, G> in x and y; charges ``upper_g_product``."""
        self.count("upper_g_product")
        return self._at.upper_constraint_products(x, y, multipliers)

    def project_x(self, x: Tensor) -> Tensor:
        """Return the nearest point of X; free."""
        return self._at.project_x(x)

    def project_y(self, y: Tensor) -> Tensor:
        """Return the nearest point of Y, constraints g left aside; free."""
        return self._at.project_y(y)

    def project_joint(self, x: Tensor, y: Tensor) -> Pair:
        """Return the nearest (x, y) in X x Y with g(x, y) <= 0; charges ``projection``.

        Raises:
            Unsupported: there is none; the fact ``joint_projection`` says so.
        """
        self.count("projection")
        try:
            return self._at.project_joint(x, y)
        except NotImplementedError:
            raise Unsupported("needs an exact projection onto the constraints") from None

    def batches(self, level: Level, size: int, rng: np.random.Generator) -> Iterator[Tensor]:
        """Yield int64 rows of that level's samples for ever, without replacement in an epoch.

        The draws are NumPy's, the same on every device. What is left of an epoch, less than
        ``size``, is dropped; a size above the number of samples is cut to it.

        Raises:
            ValueError: the size is below 1.
        """
        import torch

        total = self.n_lower if level == "lower" else self.n_upper
        if size < 1:
            raise ValueError(f"an empty minibatch: size {size}")
        size = min(size, total)
        while True:
            order = rng.permutation(total)[: total // size * size].reshape(-1, size)
            yield from torch.from_numpy(order).to(self.device)

    def _charge_upper(self, rows: Tensor | None, *oracles: str) -> None:
        self._charge(self.n_upper, rows, oracles)

    def _charge_lower(self, rows: Tensor | None, *oracles: str) -> None:
        self._charge(self.n_lower, rows, oracles)

    def _charge(self, total: int, rows: Tensor | None, oracles: tuple[str, ...]) -> None:
        samples = total if rows is None else len(rows)
        if not samples:
            raise ValueError("an empty minibatch: no rows")
        for oracle in oracles:
            self.count(oracle, samples)
