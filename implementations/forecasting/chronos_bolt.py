"""Chronos-Bolt (Amazon; Ansari et al., 2024), with weights that the user has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="arXiv:2403.07815",
    needs={"chronos": "chronos-forecasting>=2"},
)
def chronos_bolt(
    problem: Any,
    rng: Any,  # noqa: ARG001 - nothing is random
    *,
    weights: str = "",
    look_back: int = 2048,
    batch: int = 64,
) -> Iterator[Any]:
    """Forecast by a pretrained Chronos-Bolt; beyond its 64 steps it continues its medians.

    Tried on chronos-forecasting 2.3.2 with a small random model alone: released weights were not at
    hand, so no score of theirs was ever seen here. The point forecast is the median. GIFT-Eval's
    boards count its training data as leaked.

    Args:
        problem: of any track.
        rng: not used.
        weights: a folder, or a model in Hugging Face's cache; nothing is downloaded.
        look_back: values of context at the most; the released models take 2048.
        batch: series at once.

    Raises:
        Unsupported: there are no such weights, or they are of another model.
    """
    import numpy as np
    import torch
    from chronos import BaseChronosPipeline, ChronosBoltPipeline

    from tiltyard.errors import Unsupported
    from tiltyard.implementations.forecasting import _pretrained

    levels = [float(level) for level in problem.levels] or [0.5]
    with problem.phase("fit"):
        folder = _pretrained.located(weights, "amazon/chronos-bolt-small")
        model = BaseChronosPipeline.from_pretrained(
            str(folder), device_map="cpu", torch_dtype="float32"
        )
        if not isinstance(model, ChronosBoltPipeline):
            raise Unsupported(f"{weights} is a {type(model).__name__}, no Chronos-Bolt")

    def predict(given: list[Any]) -> tuple[Any, Any]:
        series = [torch.as_tensor(one, dtype=torch.float32) for one in given]
        quantiles, point = model.predict_quantiles(
            series, prediction_length=problem.horizon, quantile_levels=levels
        )
        return (
            point.double().numpy(),
            np.moveaxis(quantiles.double().numpy(), -1, 1),
        )

    def forecast(past: Any) -> Any:
        given = _pretrained.contexts(past, look_back)
        return _pretrained.batched(predict, given, batch)

    made = problem.roll(forecast, parameters=_pretrained.size(model.model.parameters()))
    made.notes |= {"look-back": look_back, "weights": _pretrained.digest(folder)}
    yield made
