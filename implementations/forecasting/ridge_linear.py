"""Ridge regression from the last L values to the next H, one matrix for all series."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="arXiv:2403.14587",
    tune={"look_back": (0, 96, 192, 336, 512, 720)},
)
def ridge_linear(
    problem: Any,
    rng: Any,  # noqa: ARG001 - nothing is random
    *,
    look_back: int = 0,
    normalisation: str = "validation",
    penalty: float = 0.0,
) -> Iterator[Any]:
    """Closed-form linear forecast; look-back, normalisation and penalty chosen on validation.

    Toner & Darlow, "An analysis of linear time series forecasting models" (2024): DLinear, NLinear,
    RLinear and FITS are linear maps up to a normalisation of each window, which least squares finds
    in closed form. Here all series share the map, with a ridge penalty; see ``_closed_form``.

    Every combination is fitted to the windows before the validation columns, and measured on the
    windows that forecast those. On the long-horizon track the best one is the forecast, as the
    literature's models are trained on the training months alone; on the rolling track it is fitted
    anew to the whole history.

    Args:
        problem: any.
        rng: not used.
        look_back: L; 0 chooses of 96, 192, 336, 512 and 720, or shorter ones for short series.
        normalisation: ``none``, ``last``, ``revin``, or ``validation`` to choose.
        penalty: relative to the mean diagonal entry of the Gram matrix; 0 chooses of 1e-6 to 100.
    """
    from tiltyard.implementations.forecasting._closed_form import NORMALISATIONS, PENALTIES
    from tiltyard.implementations.forecasting._pooled import forecaster
    from tiltyard.implementations.forecasting._ridge import chosen
    from tiltyard.implementations.forecasting._windows import LOOK_BACKS, look_backs

    with problem.phase("fit"):
        best = chosen(
            problem,
            look_backs(problem, (look_back,) if look_back else LOOK_BACKS),
            NORMALISATIONS if normalisation == "validation" else (normalisation,),
            (penalty,) if penalty else PENALTIES,
        )
        last = best.map if problem.track == "long-horizon" else best.refitted()
        forecast = forecaster(problem, best.data, last, best.map)
    made = problem.roll(forecast, parameters=last.parameters)
    made.notes["look-back"] = best.data.look_back
    made.notes["normalisation"] = last.normalisation
    made.notes["penalty"] = best.penalty
    made.notes["validation loss"] = best.loss
    yield made
