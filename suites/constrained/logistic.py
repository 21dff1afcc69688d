"""Logistic regression on the unit sphere, cut by random hyperplanes: the paper's second experiment.

I. Hong, S. Na, M. W. Mahoney and M. Kolar, Constrained optimization via exact augmented Lagrangian
and randomized iterative sketching, ICML 2023, arXiv:2305.18379: minimise the mean of
log(1 + exp(-y a'w)) subject to A w = b and w'w = 1, with A and b of independent standard normals,
from w = 1. It took LIBSVM's ionosphere_scale, mushrooms, phishing, sonar_scale, splice_scale, a9a
and w8a with ten hyperplanes; ``logistic-libsvm`` reads such a file.
"""

from __future__ import annotations

import copy
from typing import Any, Self

import numpy as np

from tiltyard.dataset import Arrays
from tiltyard.datasets.libsvm import read_libsvm
from tiltyard.errors import TiltyardError
from tiltyard.family import problem
from tiltyard.suites.constrained.model import Array, Bounds, Model, Structure
from tiltyard.suites.constrained.problem import ConstrainedProblem

LARGEST = 2000
"""Features at most: Jacobian and Hessian are dense."""


class Logistic(Model):
    """Mean logistic loss subject to A w = b and w'w = 1; NumPy arrays or float64 tensors.

    Args:
        signed: (samples, d) features, each row times its label.
        A: (rows, d) normals of the hyperplanes.
        b: (rows,) their offsets.
    """

    def __init__(self, signed: Array, A: Array, b: Array) -> None:
        rows, d = A.shape
        zero, free = np.zeros(rows + 1), np.full(d, np.inf)
        self.bounds = Bounds(
            x0=np.ones(d), y0=np.ones(rows + 1), lower=-free, upper=free, c_lower=zero, c_upper=zero
        )
        at = np.indices((rows + 1, d)).reshape(2, -1)
        self.jacobian_structure = Structure(at[0], at[1])
        self.hessian_structure = Structure(*np.tril_indices(d))
        self._signed, self._A, self._b = signed, A, b
        self._lower = np.tril_indices(d)
        self._xp: Any = np

    def on(self, device: str) -> Self:
        """Return the model for float64 tensors on a device."""
        import torch

        def there(array: Any) -> Any:
            return torch.tensor(array, device=device)  # a copy: the arrays are read-only

        moved = copy.copy(self)
        parts = {name: there(getattr(self, name)) for name in ("_signed", "_A", "_b")}
        lower = tuple(there(index) for index in self._lower)
        vars(moved).update(parts, _lower=lower, _xp=torch)
        return moved

    def objective(self, x: Any) -> Any:
        """Return the mean of log(1 + exp(-t)), t the signed margins, without overflow."""
        margins = self._signed @ x
        loss = self._xp.logaddexp(-margins, self._xp.zeros_like(margins)).mean()
        return float(loss) if self._xp is np else loss

    def gradient(self, x: Any) -> Any:
        """Return -B's / samples, with s = 1 / (1 + exp(t))."""
        return -self._signed.T @ self._tail(x) / len(self._signed)

    def constraints(self, x: Any) -> Any:
        """Return A w - b, then w'w - 1."""
        return self._xp.hstack([self._A @ x - self._b, x @ x - 1.0])

    def jacobian_values(self, x: Any) -> Any:
        """Return A, then 2 w', row by row."""
        return self._xp.hstack([self._A.ravel(), 2.0 * x])

    def hessian_values(self, x: Any, y: Any, scale: float = 1.0) -> Any:
        """Return the lower triangle of scale B' diag(s (1 - s)) B / samples + 2 y_last I."""
        s = self._tail(x)
        weights = scale * s * (1.0 - s) / len(self._signed)
        full = self._signed.T @ (weights[:, None] * self._signed)
        full.ravel()[:: len(x) + 1] += 2.0 * y[-1]
        return full[self._lower]

    def lagrangian_gradient(self, x: Array, y: Array) -> Array:
        """Return grad f + J'y by reverse-mode differentiation of f + y'c."""
        import torch

        model = self if self._xp is torch else self.on("cpu")
        w = torch.tensor(x, requires_grad=True)
        lagrangian = model.objective(w) + torch.tensor(y) @ model.constraints(w)
        (slope,) = torch.autograd.grad(lagrangian, w)
        gradient: Array = slope.numpy()
        return gradient

    def _tail(self, x: Any) -> Any:
        """Return 1 / (1 + exp(t)) of the signed margins t, without overflow."""
        margins = self._signed @ x
        small = self._xp.exp(-abs(margins))
        return self._xp.where(margins > 0, small, self._xp.ones_like(small)) / (1.0 + small)


def _problem(rng: np.random.Generator, X: Array, y: Array, rows: int) -> ConstrainedProblem:
    """Draw the hyperplanes, and refuse those that miss the sphere.

    Raises:
        TiltyardError: too many features; too many or too few rows; no point of the sphere on all of
            them.
    """
    d = X.shape[1]
    if not 2 <= d <= LARGEST:
        raise TiltyardError(f"{d} features; at least 2 and at most {LARGEST} are taken")
    if not 1 <= rows < d:
        raise TiltyardError(f"rows={rows}: must be at least 1 and below {d}, the features")
    A, b = rng.standard_normal((rows, d)), rng.standard_normal(rows)
    nearest = float(np.linalg.norm(np.linalg.lstsq(A, b)[0]))
    if nearest >= 1.0:
        raise TiltyardError(
            f"rows={rows}: A w = b has no solution of norm 1, the least is {nearest:.3g}; "
            "take fewer rows or another instance"
        )
    signed = y[:, None] * X
    for array in (signed, A, b):
        array.setflags(write=False)
    return ConstrainedProblem(Logistic(signed, A, b))


@problem(
    suite="constrained",
    name="logistic-breast-cancer",
    tiers={"smoke": [{}], "standard": [{}], "full": [{}]},
    datasets=("breast-cancer",),
    track="equality",
)
def breast_cancer(
    rng: np.random.Generator,
    data: Arrays,
    *,
    rows: int = 10,
    instance: int = 0,
) -> ConstrainedProblem:
    """Breast masses by thirty standardised features, on a sphere cut by ``rows`` hyperplanes."""
    X = data["X"]
    return _problem(rng, (X - X.mean(axis=0)) / X.std(axis=0), 2.0 * data["y"] - 1.0, rows)


_SONAR = {"samples": 208, "features": 60}
_SPLICE = {"samples": 1000, "features": 60}
_A9A = {"samples": 32561, "features": 123}
_W8A = {"samples": 49749, "features": 300}


@problem(
    suite="constrained",
    name="logistic-synthetic",
    tiers={"standard": [_SONAR, _SPLICE], "full": [_SONAR, _SPLICE, _A9A, _W8A]},
    track="equality",
)
def synthetic(
    rng: np.random.Generator,
    *,
    samples: int = 208,
    features: int = 60,
    rows: int = 10,
    instance: int = 0,
) -> ConstrainedProblem:
    """Standard normal features and labels drawn from a logistic model, in LIBSVM's shapes."""
    if samples < 1 or samples * features > 2**28:
        raise TiltyardError(f"samples={samples}: takes at least 1, and 2^28 entries at most")
    X = rng.standard_normal((samples, max(features, 0)))
    truth = rng.standard_normal(max(features, 0))
    y = np.where(X @ truth + rng.logistic(size=samples) > 0, 1.0, -1.0)
    return _problem(rng, X, y, rows)


@problem(suite="constrained", name="logistic-libsvm", files=("file",), track="equality")
def libsvm(
    rng: np.random.Generator,
    *,
    file: str = "",
    features: int = 0,
    rows: int = 10,
    instance: int = 0,
) -> ConstrainedProblem:
    """A user's two-class file in LIBSVM's format, plain or ``.bz2``, features as they stand.

    ``features`` is their number where the file's largest index falls short of it.
    """
    X, y = read_libsvm(file, features)
    return _problem(rng, X, y, rows)
