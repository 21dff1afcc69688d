"""TimesFM 2.5 (Google; Das et al., 2024), with weights that the user has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="arXiv:2310.10688",
    needs={"timesfm": "timesfm[torch]>=2"},
)
def timesfm(
    problem: Any,
    rng: Any,  # noqa: ARG001 - nothing is random
    *,
    weights: str = "",
    look_back: int = 1024,
    batch: int = 32,
) -> Iterator[Any]:
    """Forecast by a pretrained TimesFM 2.5, with the settings of its authors' GIFT-Eval run.

    Tried on timesfm 3.0.2 with random numbers for weights alone: the released ones were not at
    hand, so no score of theirs was ever seen here. The point forecast is the median.

    Args:
        problem: of any track, with a horizon of at most 1024.
        rng: not used.
        weights: a folder, or a model in Hugging Face's cache; nothing is downloaded.
        look_back: values of context at the most; the model takes up to 15 360.
        batch: series at once.

    Raises:
        Unsupported: there are no such weights, or the horizon is too long.
    """
    import numpy as np
    import torch
    from timesfm import ForecastConfig, TimesFM_2p5_200M_torch

    from tiltyard.errors import Unsupported
    from tiltyard.implementations.forecasting import _pretrained

    horizon = problem.horizon
    if horizon > 1024:
        raise Unsupported(f"forecasts quantiles for at most 1024 steps, not {horizon}")
    with problem.phase("fit"):
        folder = _pretrained.located(weights, "google/timesfm-2.5-200m-pytorch")
        model = TimesFM_2p5_200M_torch.from_pretrained(
            str(folder), local_files_only=True, torch_compile=False
        )
        # It takes a GPU wherever there is one; this run is one of the CPU.
        model.model.device, model.model.device_count = torch.device("cpu"), 1
        model.model.to("cpu")
        model.compile(
            ForecastConfig(
                max_context=look_back,
                max_horizon=horizon,
                normalize_inputs=True,
                per_core_batch_size=min(batch, problem.series),
                use_continuous_quantile_head=True,
                force_flip_invariance=True,
                infer_is_positive=True,
                fix_quantile_crossing=True,
            )
        )

    def predict(given: list[Any]) -> tuple[Any, Any]:
        point, both = model.forecast(horizon=horizon, inputs=list(given))
        # Of the ten outputs the first is the mean, the others are the levels .1 to .9.
        quantiles = np.moveaxis(np.asarray(both, dtype=np.float64)[..., 1:], -1, 1)
        return np.asarray(point, dtype=np.float64), quantiles

    def forecast(past: Any) -> Any:
        given = _pretrained.contexts(past, look_back)
        return _pretrained.batched(predict, given, batch)

    made = problem.roll(forecast, parameters=_pretrained.size(model.model.parameters()))
    made.notes |= {"look-back": look_back, "weights": _pretrained.digest(folder)}
    yield made
