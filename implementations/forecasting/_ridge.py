"""The validation choice of look-back, normalisation and penalty of a linear map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tiltyard.implementations.forecasting._closed_form import PENALTIES, LinearMap, Moments
from tiltyard.implementations.forecasting._pooled import validation_loss
from tiltyard.implementations.forecasting._windows import Split, look_backs, split
from tiltyard.suites.forecasting.problem import ForecastProblem

_MOST = 1 << 17
"""Windows of one look-back; their moments cost most of the time."""

_MEASURED = 1 << 13
"""Validation windows that absolute errors are measured on; squared ones follow from moments."""


@dataclass(frozen=True)
class Choice:
    """The combination with the least error on the validation windows.

    Attributes:
        data: windows of the look-back.
        penalty: relative to the mean diagonal entry of the Gram matrix.
        loss: mean error on the validation windows; squared on the long-horizon track, else
            absolute.
        map: fitted to the training windows.
    """

    data: Split
    penalty: float
    loss: float
    map: LinearMap

    def refitted(self) -> LinearMap:
        """Return the map with the same choices, fitted to the whole history."""
        name = self.map.normalisation
        normal = Moments(self.data.everything).normalised(name)
        _, W, c = next(normal.path((self.penalty,)))
        return LinearMap(name, W, c)


def chosen(
    problem: ForecastProblem,
    lengths: Sequence[int],
    normalisations: Sequence[str],
    penalties: Sequence[float],
) -> Choice:
    """Fit every combination to the training windows; return the best on the validation windows.

    Raises:
        Unsupported: no series has the values of one window.
    """
    every = (
        choice
        for look_back in lengths
        for choice in _candidates(problem, look_back, normalisations, penalties)
    )
    return min(every, key=lambda choice: choice.loss)


def _candidates(
    problem: ForecastProblem,
    look_back: int,
    normalisations: Sequence[str],
    penalties: Sequence[float],
) -> Iterator[Choice]:
    """Fit and measure every combination of one look-back."""
    data = split(problem, look_back, _MOST)
    train = Moments(data.train)
    measured = data.validation.thinned(_MEASURED)
    validation = Moments(data.validation) if problem.track == "long-horizon" else None
    for name in normalisations:
        held_out = validation.normalised(name) if validation else None
        for penalty, W, c in train.normalised(name).path(penalties):
            fitted = LinearMap(name, W, c)
            if validation and held_out:
                loss = held_out.squared_error(W, c) / validation.count
            else:
                loss = validation_loss(problem, measured, fitted)
            yield Choice(data, penalty, loss, fitted)


def windows_for(problem: ForecastProblem, look_back: int, normalisation: str) -> Split:
    """Return the windows of a look-back, or of the one that is best for the closed form.

    DLinear, NLinear, RLinear and FITS are linear maps with a normalisation, so what the closed form
    of the same normalisation looks back on validation is what they need; it costs seconds where
    training each of them for each look-back would cost minutes.

    Args:
        problem: with its history.
        look_back: L, or less on series that are too short; 0 chooses.
        normalisation: of the closed form.

    Raises:
        Unsupported: no series has the values of one window.
    """
    if look_back:
        return split(problem, look_backs(problem, (look_back,))[-1])
    best = chosen(problem, look_backs(problem), (normalisation,), PENALTIES)
    return split(problem, best.data.look_back)
