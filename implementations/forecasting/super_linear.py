"""Super-Linear: a pretrained mixture of linear experts (Nochumsohn et al. 2025)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from tiltyard import implementation

_LOOK_BACKS = (512, 3072)


@implementation(
    suite="forecasting",
    cites="arXiv:2509.15105",
    tune={"look_back": (0, 512, 3072), "top_k": (1, 4, 12, 51)},
    train="tiltyard.implementations.forecasting._super_linear_training:train",
)
def super_linear(
    problem: Any,
    rng: Any,  # noqa: ARG001 - nothing is random
    *,
    weights: str = "shipped",
    top_k: int = 12,
    look_back: int = 0,
    gate: str = "spectral",
) -> Iterator[Any]:
    """Forecast by the 12 of 51 linear experts that a spectral gate chooses; train nothing.

    A window x of 512 values, normalised by its mean and standard deviation, is forecast by
    sum_i g_i (W_i x + b_i), 96 values at a time, where g is the softmax of the k largest outputs of
    a linear gate on x's periodogram. 37 experts are of one period each, 12 are complementary, and
    two are the window's mean and its last value. Shorter series are interpolated to a higher rate;
    if more is looked back at, series are seen at the rate at which the gate is surest. Longer
    horizons are forecast block by block.

    The architecture is the paper's and the released model's; k = 12 and the look-backs, 512 values
    and 3072 for GIFT-Eval, are published ones. The data and the recipe that the shipped weights are
    trained with are ours, and so are the quantiles: those of the model's own errors on earlier
    windows of the series at hand. Unlike the released code, no block is computed that is not asked
    for, experts that the gate leaves out are not computed, and forecasts at a lower rate keep their
    place in time.

    Args:
        problem: any.
        rng: unused: the method is deterministic.
        weights: ``shipped``, a checkpoint that ``tiltyard train super_linear`` wrote, or the
            authors' released weights: pytorch_model.bin, or the same as .safetensors.
        top_k: experts for each window.
        look_back: values of the past that are seen; more than 512 lets the rate be chosen. 0 is 512
            in track long-horizon, and in track rolling 512 or 3072, whichever forecast the last
            windows of the history better.
        gate: ``spectral``, or ``uniform`` for all experts with equal weights, an ablation.
    """
    from tiltyard.download import file_sha256
    from tiltyard.errors import unknown
    from tiltyard.implementations.forecasting._super_linear import SuperLinear
    from tiltyard.implementations.forecasting._super_linear_quantiles import PastErrors
    from tiltyard.implementations.forecasting._super_linear_weights import load, named, ungated

    with problem.phase("fit"):
        path, sha256 = named(weights)
        loaded, found = load(path, sha256=sha256), file_sha256(path)
        if gate == "uniform":
            loaded, top_k = ungated(loaded), len(loaded.names)
        elif gate != "spectral":
            raise unknown("gate", gate, ("spectral", "uniform"))
        longer = problem.levels and problem.history.shape[1] >= 2 * _LOOK_BACKS[0]
        seen = (look_back,) if look_back else _LOOK_BACKS if longer else _LOOK_BACKS[:1]
        models = [SuperLinear(loaded, top_k=top_k, look_back=one) for one in seen]
        forecasts: list[Any] = [partial(one.forecast, horizon=problem.horizon) for one in models]
        best = 0
        if problem.levels:
            around = problem.history, problem.levels, loaded.residual_quantiles
            forecasts = [PastErrors(forecast, *around) for forecast in forecasts]
            best = min(range(len(models)), key=lambda i: forecasts[i].size())
        model = models[best]
        model.forget()

    made = problem.roll(forecasts[best], parameters=loaded.parameters)
    made.notes["look-back"] = model.look_back
    made.notes["weights"] = found
    for name, share in zip(loaded.names, model.mean_gate, strict=True):
        made.notes[f"expert {name}"] = float(share)
    yield made
