"""Moirai (Salesforce; Woo et al., 2024), with weights that the user has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="arXiv:2402.02592",
    # uni2ts asks for a NumPy and a torch below ours: pip must not look at what it asks for.
    needs={
        "uni2ts": "uni2ts>=2' '--no-deps",
        "lightning": "lightning>=2",
        "gluonts": "gluonts>=0.14.3",
        "einops": "einops>=0.7",
        "jaxtyping": "jaxtyping>=0.2.24",
        "jax": "jax",
        "hydra": "hydra-core>=1.3",
        "dotenv": "python-dotenv",
        "huggingface_hub": "huggingface-hub>=0.23",
    },
)
def moirai(
    problem: Any,
    rng: Any,
    *,
    weights: str = "",
    look_back: int = 4000,
    patch: int = 32,
    samples: int = 100,
    batch: int = 32,
) -> Iterator[Any]:
    """Sample forecasts of a pretrained Moirai 1, with the settings of its authors' GIFT-Eval run.

    Tried on uni2ts 2.0.0, beside a NumPy and a torch later than it asks for, with a small random
    model alone: released weights were not at hand, so no score of theirs was ever seen here. Each
    series is forecast alone. The point forecast is the samples' median, in track long-horizon their
    mean.

    Args:
        problem: of any track.
        rng: seeds the samples.
        weights: a folder, or a model in Hugging Face's cache; nothing is downloaded.
        look_back: values of context at the most.
        patch: values in a patch: 8, 16, 32, 64 or 128.
        samples: to draw.
        batch: series at once.

    Raises:
        Unsupported: there are no such weights.
    """
    import torch
    from uni2ts.model.moirai import MoiraiForecast, MoiraiModule

    from tiltyard.implementations.forecasting import _pretrained

    with problem.phase("fit"):
        folder = _pretrained.located(weights, "Salesforce/moirai-1.1-R-small")
        module = MoiraiModule.from_pretrained(str(folder), local_files_only=True)
        model = MoiraiForecast(
            module=module,
            prediction_length=problem.horizon,
            context_length=look_back,
            patch_size=patch,
            num_samples=samples,
            target_dim=1,
            feat_dynamic_real_dim=0,
            past_feat_dynamic_real_dim=0,
        )
        model.eval()
    levels = torch.tensor(problem.levels or (0.5,), dtype=torch.float64)

    def predict(given: list[Any]) -> tuple[Any, Any]:
        target = torch.zeros(len(given), look_back, 1)
        padded = torch.ones(len(given), look_back, dtype=torch.bool)
        for row, one in enumerate(given):
            target[row, -len(one) :, 0] = torch.as_tensor(one, dtype=torch.float32)
            padded[row, -len(one) :] = False
        with torch.no_grad():
            drawn = model(
                past_target=target, past_observed_target=~padded[..., None], past_is_pad=padded
            ).double()
        point = drawn.quantile(0.5, dim=1) if problem.levels else drawn.mean(dim=1)
        return point.numpy(), drawn.quantile(levels, dim=1).movedim(0, 1).numpy()

    def forecast(past: Any) -> Any:
        given = _pretrained.contexts(past, look_back)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**31)))
            return _pretrained.batched(predict, given, batch)

    made = problem.roll(forecast, parameters=_pretrained.size(module.parameters()))
    made.notes |= {"look-back": look_back, "weights": _pretrained.digest(folder)}
    yield made
