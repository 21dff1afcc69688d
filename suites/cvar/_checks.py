"""What every problem family of the cvar suite checks and adds."""

from __future__ import annotations

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.suites.cvar.problem import Array, Loss

_POSITIVE = ("n", "d", "scale", "over", "under")


def check(**parameters: float) -> None:
    """Refuse parameters for which there is no problem.

    Raises:
        TiltyardError: names the parameter, what was expected and what was found.
    """
    for name, value in parameters.items():
        if name in _POSITIVE and not value > 0:
            raise TiltyardError(f"{name} must be positive, not {value}")
        if name == "mu" and not value >= 0:
            raise TiltyardError(f"mu must not be negative, as {value} is")
        if name in ("beta", "held_out") and not 0 <= value < 1:
            raise TiltyardError(f"{name} must be at least 0 and below 1, not {value}")


def need_regularisation(mu: float) -> None:
    """Refuse ``mu = 0`` with the logistic loss.

    Where a hyperplane separates the classes, scaling w up lowers every loss for ever: there is no
    minimiser.

    Raises:
        TiltyardError: ``mu`` is not positive.
    """
    if mu <= 0:
        raise TiltyardError("the logistic loss needs mu > 0: on separable data no minimum exists")


def in_units(loss: Loss, mu: float, scale: float) -> float:
    """Return the weight of the regularisation for responses multiplied by ``scale``.

    The problem in other units is the same problem: its minimiser is ``scale`` times the original,
    its optimal value ``scale`` times with the absolute loss, ``scale``^2 times with the squared.
    For that mu/2 ||w||^2 must grow as the loss does, so ``mu`` is divided by ``scale`` with the
    absolute loss.
    """
    return mu if loss == "sq" else mu / scale


def with_intercept(X: Array) -> Array:
    """Return X, shape (n, d), with a last column of ones."""
    A = np.empty((len(X), X.shape[1] + 1))
    A[:, :-1] = X
    A[:, -1] = 1.0
    return A
