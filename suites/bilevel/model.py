"""The mathematics of one bilevel problem: functions, derivatives, sets. Methods see it counted.

Minimise F(x, y) over x in X and y, where y minimises f(x, .) over Y subject to g(x, y) <= 0
(some of them equations); upper-level constraints G(x, y) <= 0 may bind both. F and f are means over
n_upper and n_lower samples, of which a call may ask for some rows. Derivatives come from torch's
automatic differentiation unless a model states them.
"""

from __future__ import annotations

import copy
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]
Convexity = Literal["strong", "convex", "nonconvex"]
Form = Literal["none", "linear", "convex", "nonlinear"]
Pair = tuple["Tensor", "Tensor"]


class Model(ABC):
    """Functions of float64 torch tensors x (dim_x,) and y (dim_y,) on one device.

    Subclasses state the class attributes below, and F and f in torch operations that broadcast
    nothing: x and y are always vectors. Data is passed to ``__init__`` as NumPy arrays and read as
    tensor attributes of the same names.

    Attributes:
        n_lower: samples of f; 1 where it is no sum.
        n_upper: samples of F; 1 where it is no sum.
        convexity: of f(x, .): ``strong``, ``convex``, ``nonconvex``.
        unique: whether the lower level has one solution for every x in X.
        form: of g in y, for fixed x, and in (x, y) jointly where it is ``linear``.
        equations: how many of the constraints g, the first ones, are equations.
        inequalities: how many of them are not.
        upper_inequalities: the number of upper-level constraints G.
        affine: whether X is more than a box; ``project_x`` then projects onto it.
        joint: whether ``project_joint`` is there in spite of constraints g.
        x0: (dim_x,) start.
        y0: (dim_y,) start.
        x_lower: (dim_x,) lower bounds of X, with ``x_upper``; infinite where there is none.
        y_lower: (dim_y,) lower bounds of Y, with ``y_upper``; infinite where there is none.
    """

    n_lower: int = 1
    n_upper: int = 1
    convexity: Convexity = "strong"
    unique: bool = True
    form: Form = "none"
    equations: int = 0
    inequalities: int = 0
    upper_inequalities: int = 0
    affine: bool = False
    joint: bool = False

    def __init__(  # noqa: PLR0913 - the parts of a model
        self,
        x0: Any,
        y0: Any,
        *,
        x_lower: Any = -np.inf,
        x_upper: Any = np.inf,
        y_lower: Any = -np.inf,
        y_upper: Any = np.inf,
        data: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        x0, y0 = np.asarray(x0, dtype=np.float64), np.asarray(y0, dtype=np.float64)
        self.dim_x, self.dim_y = len(x0), len(y0)
        self.arrays = {name: _frozen(array) for name, array in (data or {}).items()}
        for name, bound, like in (
            ("x0", x0, x0),
            ("y0", y0, y0),
            ("x_lower", x_lower, x0),
            ("x_upper", x_upper, x0),
            ("y_lower", y_lower, y0),
            ("y_upper", y_upper, y0),
        ):
            values = np.broadcast_to(np.asarray(bound, dtype=np.float64), like.shape)
            self.arrays[name] = _frozen(values)
        self._on_device: dict[str, Self] = {}

    if TYPE_CHECKING:
        x0: Tensor
        y0: Tensor
        x_lower: Tensor
        x_upper: Tensor
        y_lower: Tensor
        y_upper: Tensor

    def on(self, device: str) -> Self:
        """Return this model with its data as tensors on a device; its functions work there."""
        if device not in self._on_device:
            import torch

            placed = copy.copy(self)
            with warnings.catch_warnings():
                # The arrays stay read-only; what writes through a tensor breaks conformance.
                warnings.filterwarnings("ignore", message=".*not writable.*")
                for name, array in self.arrays.items():
                    setattr(placed, name, torch.from_numpy(array).to(device))
            self._on_device[device] = placed
        return self._on_device[device]

    def miniature(self) -> Model:
        """Return a tiny model with the same facts; the model itself where it is small."""
        return self

    @abstractmethod
    def upper(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        """Return F(x, y), a scalar: the mean over all samples or the given int64 rows."""

    @abstractmethod
    def lower(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        """Return f(x, y), a scalar: the mean over all samples or the given int64 rows."""

    def upper_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        """Return the gradients of F in x and in y."""
        return _gradients(self.upper, x, y, rows)

    def upper_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        """Return the gradient of F in x."""
        return _gradient(lambda z: self.upper(z, y, rows), x)

    def upper_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        """Return the gradient of F in y."""
        return _gradient(lambda z: self.upper(x, z, rows), y)

    def lower_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        """Return the gradients of f in x and in y."""
        return _gradients(self.lower, x, y, rows)

    def lower_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        """Return the gradient of f in x."""
        return _gradient(lambda z: self.lower(z, y, rows), x)

    def lower_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        """Return the gradient of f in y."""
        return _gradient(lambda z: self.lower(x, z, rows), y)

    def hessian_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        """Return (d2f/dy2) v, (dim_y,)."""
        import torch

        with torch.enable_grad():
            z = y.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.lower(x, z, rows), z, create_graph=True)
            return _derivative(slope @ v, z)

    def cross_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        """Return (d2f/dx dy) v, (dim_x,): the gradient in x of <df/dy, v>."""
        import torch

        with torch.enable_grad():
            w, z = x.detach().requires_grad_(), y.detach().requires_grad_()
            value = self.lower(w, z, rows)
            (slope,) = torch.autograd.grad(value, z, create_graph=True, materialize_grads=True)
            return _derivative(slope @ v, w)

    def curvature(self, x: Tensor) -> tuple[float, float]:
        """Return mu > 0 and L: bounds of the eigenvalues of d2f/dy2 at x and every y.

        Raises:
            NotImplementedError: they are not known.
        """
        raise NotImplementedError

    def constraints(self, x: Tensor, y: Tensor) -> Tensor:
        """Return g(x, y): equations first (= 0), then inequalities (<= 0)."""
        del y
        return x.new_zeros(0)

    def constraint_products(self, x: Tensor, y: Tensor, multipliers: Tensor) -> Pair:
        """Return the gradients of <multipliers, g> in x and in y."""
        return _gradients(lambda w, z, _: self.constraints(w, z) @ multipliers, x, y, None)

    def upper_constraints(self, x: Tensor, y: Tensor) -> Tensor:
        """Return G(x, y), <= 0 where feasible."""
        del y
        return x.new_zeros(0)

    def upper_constraint_products(self, x: Tensor, y: Tensor, multipliers: Tensor) -> Pair:
        """Return the gradients of <multipliers, G> in x and in y."""
        return _gradients(lambda w, z, _: self.upper_constraints(w, z) @ multipliers, x, y, None)

    def project_x(self, x: Tensor) -> Tensor:
        """Return the nearest point of X."""
        return x.clamp(self.x_lower, self.x_upper)

    def project_y(self, y: Tensor) -> Tensor:
        """Return the nearest point of Y, constraints g left aside."""
        return y.clamp(self.y_lower, self.y_upper)

    def project_joint(self, x: Tensor, y: Tensor) -> Pair:
        """Return the nearest (x, y) in X x Y with g(x, y) <= 0, exact to rounding.

        Raises:
            NotImplementedError: there are constraints and no exact projection.
        """
        if self.equations + self.inequalities:
            raise NotImplementedError
        return self.project_x(x), self.project_y(y)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    copied = np.array(array)
    copied.setflags(write=False)
    return copied


def _derivative(value: Tensor, variable: Tensor) -> Tensor:
    """Return the gradient; zero where the value does not depend on the variable."""
    import torch

    if not value.requires_grad:
        return torch.zeros_like(variable)
    return torch.autograd.grad(value, variable, materialize_grads=True)[0]


def _gradient(function: Callable[[Tensor], Tensor], point: Tensor) -> Tensor:
    import torch

    with torch.enable_grad():
        variable = point.detach().requires_grad_()
        return _derivative(function(variable), variable)


def _gradients(
    function: Callable[[Tensor, Tensor, Tensor | None], Tensor],
    x: Tensor,
    y: Tensor,
    rows: Tensor | None,
) -> Pair:
    import torch

    with torch.enable_grad():
        w, z = x.detach().requires_grad_(), y.detach().requires_grad_()
        value = function(w, z, rows)
        if not value.requires_grad:
            return torch.zeros_like(w), torch.zeros_like(z)
        found = torch.autograd.grad(value, (w, z), materialize_grads=True)
        return found[0], found[1]
