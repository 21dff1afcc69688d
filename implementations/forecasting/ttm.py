"""Tiny Time Mixers (IBM Granite; Ekambaram et al., 2024), with weights that the user has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="arXiv:2401.03955",
    needs={"tsfm_public": "granite-tsfm>=0.3"},
)
def ttm(
    problem: Any,
    rng: Any,  # noqa: ARG001 - nothing is random
    *,
    weights: str = "",
    batch: int = 64,
) -> Iterator[Any]:
    """Forecast by a pretrained Tiny Time Mixer; beyond its own horizon it continues its forecast.

    Tried on granite-tsfm 0.3.11 with a small random model alone: released weights were not at hand,
    so no score of theirs was ever seen here. The look-back is the model's, and a shorter series is
    preceded by its first value. Series are standardised over the history, as its authors recommend.
    It gives points, no quantiles.

    Args:
        problem: of any track.
        rng: not used.
        weights: a folder, or a model in Hugging Face's cache, with its revision after ``@`` (each
            look-back and horizon is one); nothing is downloaded.
        batch: series at once.

    Raises:
        Unsupported: there are no such weights.
    """
    import numpy as np
    import torch
    from tsfm_public.models.tinytimemixer import TinyTimeMixerForPrediction

    from tiltyard.implementations.forecasting import _pretrained
    from tiltyard.implementations.forecasting._context import context, filled

    with problem.phase("fit"):
        folder = _pretrained.located(weights, "ibm-granite/granite-timeseries-ttm-r2@512-96-r2")
        model = TinyTimeMixerForPrediction.from_pretrained(str(folder), local_files_only=True)
        model.eval()
        length = model.config.context_length
        known = filled(problem.history)
        location, scale = known.mean(axis=1, keepdims=True), known.std(axis=1, keepdims=True)
        scale[scale == 0.0] = 1.0
    token = None
    if model.config.resolution_prefix_tuning:
        from tsfm_public.toolkit.time_series_preprocessor import DEFAULT_FREQUENCY_MAPPING

        # Frequencies that it was not trained on, and anchored ones such as W-SUN, are looked up.
        frequency = problem.frequency.partition("-")[0]
        token = DEFAULT_FREQUENCY_MAPPING.get(frequency, 0)

    def step(series: Any) -> Any:
        given = torch.as_tensor(series[:, -length:, None], dtype=torch.float32)
        tokens = {} if token is None else {"freq_token": torch.full((len(given),), token)}
        with torch.no_grad():
            made = model(past_values=given, return_loss=False, **tokens).prediction_outputs
        return made[..., 0].double().numpy()

    def predict(series: Any) -> Any:
        while series.shape[1] < length + problem.horizon:
            series = np.concatenate([series, step(series)], axis=1)
        return series[:, length : length + problem.horizon]

    def forecast(past: Any) -> Any:
        given = (context(past, length) - location) / scale
        parts = [predict(given[first : first + batch]) for first in range(0, len(given), batch)]
        return location + scale * np.concatenate(parts)

    made = problem.roll(forecast, parameters=_pretrained.size(model.parameters()))
    made.notes |= {"look-back": length, "weights": _pretrained.digest(folder)}
    yield made
