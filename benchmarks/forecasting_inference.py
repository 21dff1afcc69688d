"""Compare the inference of Super-Linear with that of transformers: time, parameters, memory.

Run it as ``python benchmarks/forecasting_inference.py``. Every model forecasts the next 96 values
of the same windows of 512 values, from the float64 past with possible gaps to a float64 forecast,
in batches of 1, 32 and 256 windows, on one core and in turns. Seconds are of the processor, so that
other work on the machine counts only by its use of the caches; each is the least of several rounds
of at least 0.2 s.
Memory is the growth of a process of its own, model included and imports not, while it forecasts
256 windows.

Weights are random but for those of Super-Linear's checkpoint: what a window costs does not depend
on them, except that a gate may prefer few experts; ``--random`` draws Super-Linear's, too, whose
gate then spreads windows over all 51 experts.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tiltyard.run.worker import PeakMemory, fix_threads

LOOK_BACK, HORIZON = 512, 96
BATCHES = (1, 32, 256)
SECONDS = 0.2
"""Of the processor, for one round of one model."""

PATCH = {"patch": 16, "stride": 8, "layers": 3}
TRANSFORMERS = {
    "patchtst (width 16, published for ETTh)": (
        LOOK_BACK,
        {**PATCH, "width": 16, "heads": 4, "hidden": 128, "dropout": 0.3},
    ),
    "patchtst (width 16, look-back 336)": (
        336,
        {**PATCH, "width": 16, "heads": 4, "hidden": 128, "dropout": 0.3},
    ),
    "patchtst (width 128, published default)": (
        LOOK_BACK,
        {**PATCH, "width": 128, "heads": 16, "hidden": 256, "dropout": 0.2},
    ),
}

Predict = Callable[[Any], Any]


def super_linear(*, random: bool) -> tuple[Predict, int]:
    """Return the model's forecast, and its parameters."""
    from tiltyard.implementations.forecasting import _super_linear_shape as sizes
    from tiltyard.implementations.forecasting import _super_linear_weights as weights
    from tiltyard.implementations.forecasting._super_linear import SuperLinear

    if random:
        rng = np.random.default_rng(0)
        experts = len(sizes.PERIODS) + sizes.COMPLEMENTARY
        shapes = {
            "expert_weight": (experts, HORIZON, LOOK_BACK),
            "expert_bias": (experts, HORIZON),
            "gate_weight": (experts + 2, sizes.SPECTRUM // 2),
            "gate_bias": (experts + 2,),
        }
        drawn = {
            name: rng.normal(0.0, 0.02, shape).astype(np.float32) for name, shape in shapes.items()
        }
        loaded = weights.Weights(periods=np.array(sizes.PERIODS, np.int64), **drawn)
    else:
        path, sha256 = weights.named("shipped")
        loaded = weights.load(path, sha256=sha256)
    model = SuperLinear(loaded)
    return lambda past: model.forecast(past, HORIZON), loaded.parameters


def transformer(look_back: int, settings: dict[str, Any]) -> tuple[Predict, int]:
    """Return the forecast of a PatchTST, and its parameters."""
    import torch

    from tiltyard.implementations.forecasting._patch_transformer import PatchTransformer

    torch.manual_seed(0)
    return _of(PatchTransformer(look_back, HORIZON, **settings), look_back)


def mixture() -> tuple[Predict, int]:
    """Return the forecast of the routed mixture of small nets, and its parameters."""
    import torch

    from tiltyard.implementations.forecasting._routed_mixture import RoutedMixture

    torch.manual_seed(0)
    return _of(RoutedMixture(LOOK_BACK, HORIZON, experts=8, hidden=64, top=2), LOOK_BACK)


def _of(net: Any, look_back: int) -> tuple[Predict, int]:
    import torch

    from tiltyard.implementations.forecasting._context import context

    net.eval()

    def predict(past: Any) -> Any:
        x = torch.from_numpy(context(past, look_back).astype(np.float32))
        with torch.inference_mode():
            return net(x).numpy().astype(np.float64)

    return predict, sum(weight.numel() for weight in net.parameters())


def models(*, random: bool) -> dict[str, Callable[[], tuple[Predict, int]]]:
    """Return what makes each model, the one that the others are compared with first."""
    return {
        "super_linear": lambda: super_linear(random=random),
        **{name: (lambda of=of: transformer(*of)) for name, of in TRANSFORMERS.items()},
        "tiny_moe": mixture,
    }


def windows(batch: int) -> Any:
    """Return series of several periods with noise, (batch, 512)."""
    rng = np.random.default_rng(batch)
    t = np.arange(LOOK_BACK)
    periods = rng.choice([6, 7, 12, 24, 48, 96, 168], size=(batch, 2, 1))
    waves = np.sin(2.0 * np.pi * (t / periods + rng.uniform(size=(batch, 2, 1))))
    return 10.0 + waves.sum(axis=1) + 0.3 * rng.standard_normal((batch, LOOK_BACK))


def seconds_per_call(predict: Predict, past: Any) -> float:
    """Return processor seconds of one call, the mean of a round."""
    calls, start = 0, time.process_time()
    while (spent := time.process_time() - start) < SECONDS:
        predict(past)
        calls += 1
    return spent / calls


def memory(name: str, random: bool) -> float:
    """Return by how many MiB a process grows that makes a model and forecasts the largest batch."""
    fix_threads(1)
    make, past = models(random=random)[name], windows(max(BATCHES))
    models(random=True)["tiny_moe"]()[0](past)  # imports, and what libraries set up once
    measured = PeakMemory()
    make()[0](past)
    grown = measured.growth()
    return float("nan") if grown is None else grown / 2**20


def table(rounds: int, *, random: bool) -> list[str]:
    """Return the lines of the table."""
    made = {name: make() for name, make in models(random=random).items()}
    times = {}
    for batch in BATCHES:
        past = windows(batch)
        for predict, _ in made.values():
            predict(past)
        found = [
            [seconds_per_call(predict, past) for predict, _ in made.values()] for _ in range(rounds)
        ]
        times[batch] = 1e3 * np.min(found, axis=0) / batch
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(1, maxtasksperchild=1) as pool:
        grown = pool.starmap(memory, [(name, random) for name in made], chunksize=1)
    heads = [f"ms a window, batch {batch} (times super_linear's)" for batch in BATCHES]
    lines = [
        f"| model | parameters | {' | '.join(heads)} | windows/s, batch {BATCHES[-1]} | MiB |",
        "|---|" + "---:|" * (len(heads) + 3),
    ]
    for i, (name, (_, parameters)) in enumerate(made.items()):
        cells = [f"{times[b][i]:.4f} ({times[b][i] / times[b][0]:.1f})" for b in BATCHES]
        rate = 1e3 / times[BATCHES[-1]][i]
        lines.append(
            f"| {name} | {parameters:,} | {' | '.join(cells)} | {rate:,.0f} | {grown[i]:.1f} |"
        )
    return lines


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--random", action="store_true", help="draw Super-Linear's weights")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    fix_threads(1)
    sys.stdout.write("\n".join(table(arguments.rounds, random=arguments.random)) + "\n")


if __name__ == "__main__":
    main()
