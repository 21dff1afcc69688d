"""One training loop for every forecaster in torch: Adam, epochs, early stopping on validation."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tiltyard.implementations.forecasting._windows import Split, Windows
from tiltyard.suites.forecasting.problem import ForecastProblem

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

Schedule = Callable[[int], float]
"""The factor of the step length in an epoch, counted from 0."""

_SMALL = 24
"""Batches in a pass, below which data count as small: then batches are cut to have as many, and an
epoch is several passes, as schedules are made for thousands of steps."""


def halving(epoch: int) -> float:
    """Return 1, 1/2, 1/4, ...: ``type1`` of the long-horizon literature."""
    return float(0.5**epoch)


def late_decay(epoch: int) -> float:
    """Return 1 for three epochs, then 0.8, 0.64, ...: ``type3`` of the literature."""
    return float(0.8 ** max(0, epoch - 2))


_AT_ONCE = 1024
"""Windows that a model forecasts together: a transformer's activations take 0.1 MB for each."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a model is trained.

    Attributes:
        lr: Adam's step length.
        batch_size: windows, pooled over series.
        epochs: passes over the training windows, at most.
        patience: epochs without a better validation loss, after which training stops.
        schedule: of the step length.
        weight_decay: decoupled, as AdamW's; 0 is Adam.
        clip: the gradient's norm, at most; infinity leaves it.
        loss: ``mse``, or ``mae``; of training. Validation's is the track's own.
        steps: in all, at most; bounds the time in a way that does not depend on the machine.
        small_steps: in an epoch on data of few batches.
        interval: steps of an epoch, at most, where a pass is too long to wait for validation.
        validation: windows to validate on, at most; of more, evenly spaced ones.
    """

    lr: float
    batch_size: int
    epochs: int = 10
    patience: int = 3
    schedule: Schedule = halving
    weight_decay: float = 0.0
    clip: float = math.inf
    loss: str = "mse"
    steps: int = 20_000
    small_steps: int = 64
    interval: int = 20_000
    validation: int = 1 << 15


@dataclass(frozen=True)
class Trained:
    """A model with the parameters of its best epoch.

    Attributes:
        model: in evaluation mode, on the problem's device.
        loss: mean error on the validation windows in scaled units: squared on the long-horizon
            track, otherwise absolute.
        epochs: that were run.
    """

    model: nn.Module
    loss: float
    epochs: int

    def __call__(self, x: Array, *place: Indices) -> Array:
        """Return forecasts, (N, H) float64, from contexts, (N, L), and their places if needed."""
        device = next(self.model.parameters()).device
        where = [torch.from_numpy(part.astype(np.int64)).to(device) for part in place]
        contexts = torch.from_numpy(x.astype(np.float32)).to(device)
        blocks = zip(*(torch.split(part, _AT_ONCE) for part in (contexts, *where)), strict=True)
        with torch.inference_mode():
            made = torch.cat([self.model(*block) for block in blocks])
        return np.asarray(made.cpu().numpy(), dtype=np.float64)

    @property
    def parameters(self) -> int:
        """Trainable numbers of the model."""
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)


class Batches:
    """Windows as float32 tensors, cut when they are asked for.

    Args:
        windows: N of L + H values.
        device: of the tensors.
        placed: also give a model each window's series and first column of the history, (n,) int64;
            the column is negative where a context begins before the history.
    """

    def __init__(self, windows: Windows, device: str = "cpu", *, placed: bool = False) -> None:
        self._length, self._look_back, self._placed = len(windows), windows.look_back, placed
        span = windows.look_back + windows.horizon
        flat = torch.from_numpy(windows.values.astype(np.float32)).to(device).reshape(-1)
        self._view = flat.unfold(0, span, 1)
        self._rows = torch.from_numpy(windows.rows.astype(np.int64)).to(device)
        self._starts = torch.from_numpy(windows.starts.astype(np.int64)).to(device)
        self._first = self._rows * windows.values.shape[1] + self._starts

    def __len__(self) -> int:
        """Return N."""
        return self._length

    def __getitem__(self, which: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the model's arguments, the first of which are the contexts, and the values."""
        which = which.to(self._first.device)
        both = self._view.index_select(0, self._first[which])
        x, y = both[:, : self._look_back], both[:, self._look_back :]
        if self._placed:
            return (x, self._rows[which], self._starts[which] - self._look_back), y
        return (x,), y


@contextlib.contextmanager
def seeded(rng: np.random.Generator, device: str = "cpu") -> Iterator[torch.Generator]:
    """Seed torch from ``rng`` while the block runs, for initial weights and dropout.

    Yields:
        A generator of its own, for the order of the windows.
    """
    first, second = (int(seed) for seed in rng.integers(2**31, size=2))
    with torch.random.fork_rng(devices=[] if device == "cpu" else [device]):
        torch.manual_seed(first)
        yield torch.Generator().manual_seed(second)


def train(
    build: Callable[[], nn.Module],
    problem: ForecastProblem,
    data: Split,
    recipe: Recipe,
    rng: np.random.Generator,
    *,
    placed: bool = False,
) -> Trained:
    """Train a model on the training windows; return it as it was after its best epoch.

    It works on the problem's device. The same ``rng`` gives the same model bit for bit, on one
    thread of the CPU.

    Args:
        build: makes the module, which maps (B, L) float32 to (B, H).
        problem: whose track says how validation windows are measured.
        data: the windows.
        recipe: optimiser, schedule and stopping.
        rng: seeds the weights, dropout and the order of windows.
        placed: see ``Batches``.
    """
    device = problem.device
    batches = Batches(data.train, device, placed=placed)
    held_out = Batches(data.validation.thinned(recipe.validation), device, placed=placed)
    squared = problem.track == "long-horizon"
    with seeded(rng, device) as generator:
        model = build().to(device)
        optimiser = _optimiser(model, recipe)
        size = min(recipe.batch_size, math.ceil(len(batches) / _SMALL))
        per_epoch = math.ceil(len(batches) / size)
        per_epoch = recipe.small_steps if per_epoch <= _SMALL else per_epoch
        per_epoch = min(per_epoch, recipe.interval)
        order = _order(len(batches), size, generator)
        best, kept, waited, epoch, steps = math.inf, _state(model), 0, 0, 0
        while epoch < recipe.epochs and waited < recipe.patience and steps < recipe.steps:
            for group in optimiser.param_groups:
                group["lr"] = recipe.lr * recipe.schedule(epoch)
            model.train()
            for _ in range(min(per_epoch, recipe.steps - steps)):
                _step(model, optimiser, batches[next(order)], recipe)
            steps, epoch = steps + per_epoch, epoch + 1
            loss = _error(model, held_out, squared=squared)
            waited += 1
            if loss < best:
                best, kept, waited = loss, _state(model), 0
    model.load_state_dict(kept)
    return Trained(model.eval(), best, epoch)


def _optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    parameters = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.AdamW(parameters, lr=recipe.lr, weight_decay=recipe.weight_decay, fused=True)


def _order(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield batches of indices without end: every index once in a pass, in an order drawn anew."""
    while True:
        yield from torch.split(torch.randperm(count, generator=generator), size)


def _step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batch: tuple[tuple[Tensor, ...], Tensor],
    recipe: Recipe,
) -> None:
    arguments, y = batch
    error = model(*arguments) - y
    loss = error.square().mean() if recipe.loss == "mse" else error.abs().mean()
    # What a module adds to the loss, such as a balance between experts.
    extra = (getattr(part, "penalty", None) for part in model.modules())
    loss = loss + sum(value for value in extra if isinstance(value, Tensor))
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    if recipe.clip < math.inf:
        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
    optimiser.step()


def _error(model: nn.Module, windows: Batches, *, squared: bool) -> float:
    """Return the mean squared or absolute error over windows."""
    model.eval()
    total, count = 0.0, 0
    with torch.inference_mode():
        for which in torch.split(torch.arange(len(windows)), _AT_ONCE):
            arguments, y = windows[which]
            error = model(*arguments) - y
            total += float((error.square() if squared else error.abs()).sum(dtype=torch.float64))
            count += y.numel()
    return total / count


def _state(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}
