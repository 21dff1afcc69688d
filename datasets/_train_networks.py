"""Trains the networks of the lipschitz suite: ``python -m tiltyard.datasets._train_networks DIR``.

Every fifth row of a table is for testing, the others are for training. The seed decides
initialisation and batches; another CPU may still give other weights, so the files are what counts,
and this module says how they were made. Parameters are rounded to float32.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.nn.utils.parametrizations import orthogonal

from tiltyard.datasets._modules import Mirror, Scaled, Skip, Sort
from tiltyard.suites.lipschitz.layers import GroupSort, Householder, Layer, Residual
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.storage import pack
from tiltyard.suites.lipschitz.torch_modules import layers_of

SEEDS = range(5)
POINTS = 100
Array = NDArray[Any]
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Table:
    """Inputs in [0, 1], targets, and what is stored of the test rows."""

    X: Array
    y: Array
    loss: Loss
    points: Array

    def split(self) -> tuple[Array, Array]:
        """Return row numbers for training and for testing."""
        rows = np.arange(len(self.X))
        return rows[rows % 5 != 0], rows[rows % 5 == 0]


@dataclass(frozen=True)
class Recipe:
    """How one network is made and trained, by Adam."""

    make: Callable[[], nn.Module]
    table: Table
    epochs: int = 60
    rate: float = 5e-3
    decay: float = 0.0


def mlp(*widths: int, kind: Callable[[int], nn.Module], layer: Any = nn.Linear) -> nn.Sequential:
    """Return dense layers with nonlinearities between them; ``kind`` takes their width."""
    parts: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        parts += [layer(inputs, outputs), kind(outputs)]
    return nn.Sequential(*parts[:-1])


def _orthogonal(inputs: int, outputs: int) -> nn.Module:
    return orthogonal(nn.Linear(inputs, outputs))


def _relu(_width: int) -> nn.Module:
    return nn.ReLU()


def digits(side: int) -> Table:
    """Return the 1,797 digits of scikit-learn, 8x8 or averaged to 4x4; pixels / 16."""
    pixels, y = load_digits(return_X_y=True)
    points = pixels[::5][:POINTS].astype(np.uint8)
    X = pixels.reshape(-1, 8, 8) / 16.0
    if side == 4:
        X = X.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4))
    return Table(X.reshape(len(X), -1), y, cross_entropy, points)


def unit(X: Array) -> Array:
    """Return every column scaled to [0, 1] by its range."""
    low, high = X.min(axis=0), X.max(axis=0)
    scaled: Array = (X - low) / (high - low)
    return scaled


def diabetes() -> Table:
    """Return the diabetes table, features and progression scaled to [0, 1]."""
    X, y = load_diabetes(return_X_y=True, scaled=False)
    X, y = unit(X), unit(y[:, None])[:, 0]
    return Table(X, y, lambda found, wanted: mse_loss(found[:, 0], wanted.float()), X[::5])


def breast_cancer() -> Table:
    """Return the breast cancer table, features scaled to [0, 1]; 1 is benign."""
    X, y = load_breast_cancer(return_X_y=True)
    X = unit(X)

    def loss(found: Tensor, wanted: Tensor) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(found[:, 0], wanted.float())

    return Table(X, y, loss, X[::5][:POINTS])


def files() -> dict[str, dict[str, Recipe]]:
    """Return the recipes by file and network."""
    pooled, full = digits(4), digits(8)
    small = (64, 32, 32, 10)

    def relu(*widths: int) -> Recipe:
        table = pooled if widths[0] == 16 else full
        return Recipe(lambda: mlp(*widths, kind=_relu), table)

    def plain(kind: Callable[[int], nn.Module], layer: Any = nn.Linear) -> Recipe:
        return Recipe(lambda: mlp(*small, kind=kind, layer=layer), full)

    def constrained(kind: Callable[[int], nn.Module]) -> Recipe:
        return Recipe(lambda: Scaled(mlp(*small, kind=kind, layer=_orthogonal), 20.0), full)

    return {
        "digits_relu_networks": {
            "16-8-8-10": relu(16, 8, 8, 10),
            "64-16-10": relu(64, 16, 10),
            "64-32-10": relu(64, 32, 10),
            "64-32-32-10": relu(64, 32, 32, 10),
            "64-64-64-10": relu(64, 64, 64, 10),
            "64-100x3-10": relu(64, 100, 100, 100, 10),
        },
        "digits_other_networks": {
            "conv": Recipe(_conv, full),
            "residual": Recipe(_residual, full),
            "tanh": plain(lambda _width: nn.Tanh()),
            "softplus": plain(lambda _width: nn.Softplus()),
            "gelu": plain(lambda _width: nn.GELU()),
        },
        "digits_sorting_networks": {
            "maxmin": plain(lambda _width: Sort(2)),
            "groupsort4": plain(lambda _width: Sort(4)),
            "householder": plain(lambda width: Mirror(width // 2)),
            "maxmin-orthogonal": constrained(lambda _width: Sort(2)),
            "householder-orthogonal": constrained(lambda width: Mirror(width // 2)),
        },
        "table_networks": {
            "diabetes": Recipe(
                lambda: mlp(10, 16, 16, 1, kind=_relu), diabetes(), epochs=100, decay=1e-2
            ),
            "breast-cancer": Recipe(
                lambda: mlp(30, 16, 16, 1, kind=_relu), breast_cancer(), epochs=60, decay=1e-3
            ),
        },
    }


def _conv() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 4, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(4, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


def _residual() -> nn.Module:
    def block() -> nn.Module:
        return Skip(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32))

    return nn.Sequential(nn.Linear(64, 32), block(), block(), nn.ReLU(), nn.Linear(32, 10))


def train(recipe: Recipe, seed: int) -> nn.Module:
    """Return the trained module."""
    torch.manual_seed(seed)
    module, table = recipe.make(), recipe.table
    rows = table.split()[0]
    X = torch.as_tensor(table.X[rows], dtype=torch.float32)
    y = torch.as_tensor(table.y[rows])
    adam = torch.optim.Adam(module.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    for _ in range(recipe.epochs):
        for batch in torch.split(torch.randperm(len(X)), 64):
            adam.zero_grad()
            table.loss(module(X[batch]), y[batch]).backward()  # type: ignore[no-untyped-call]
            adam.step()
    return module


def convert(module: nn.Module, inputs: int) -> Network:
    """Return the trained module as a network."""
    inner = module.inner if isinstance(module, Scaled) else module
    return Network(inputs, tuple(_layers(inner, inputs)))


def _layers(sequence: Any, inputs: int) -> list[Layer]:
    layers: list[Layer] = []
    shape: tuple[int, ...] = (inputs,)
    for part in sequence:
        match part:
            case nn.Unflatten():
                shape = (1, 8, 8)
            case Sort():
                layers.append(GroupSort(part.group))
            case Mirror():
                angle = part.angle.detach().double().numpy()
                layers.append(Householder(np.stack((np.cos(angle), np.sin(angle)), axis=1)))
            case Skip():
                layers.append(Residual(tuple(_layers(part.branch, shape[0]))))
            case _:
                layers += layers_of(part, shape)
                if isinstance(part, nn.Conv2d):
                    shape = layers[-1].output_shape  # type: ignore[attr-defined]
                elif isinstance(part, nn.Linear):
                    shape = (part.out_features,)
    return layers


def success(network: Callable[[Tensor], Tensor], table: Table) -> float:
    """Return the accuracy, or for a regression the R^2, on the test rows."""
    rows = table.split()[1]
    with torch.no_grad():
        found = network(torch.as_tensor(table.X[rows], dtype=torch.float32)).numpy()
    y = table.y[rows]
    if found.shape[1] > 1:
        return float((found.argmax(axis=1) == y).mean())
    if table.y.dtype.kind == "i":
        return float(((found[:, 0] > 0) == y).mean())
    return float(1.0 - ((found[:, 0] - y) ** 2).mean() / y.var())


def _stored(value: Array) -> Array:
    if value.dtype.kind == "i":
        return value.astype(np.int32)
    return value.astype(np.float32) if value.ndim else value


def make(recipes: Mapping[str, Recipe]) -> dict[str, Array]:
    """Return the arrays of one file: every network's, with the seeds as their first axis."""
    arrays: dict[str, Array] = {}
    for name, recipe in recipes.items():
        packed = []
        for seed in SEEDS:
            module = train(recipe, seed)
            network = convert(module, recipe.table.X.shape[1])
            packed.append({key: _stored(value) for key, value in pack(network).items()})
            print(f"{name}, seed {seed}: {success(module, recipe.table):.3f}")  # noqa: T201
        arrays |= {f"{name}/{key}": np.stack([one[key] for one in packed]) for key in packed[0]}
        arrays[f"{name}/points"] = recipe.table.points
    return arrays


def main(folder: Path) -> None:
    """Write every file into the folder."""
    torch.use_deterministic_algorithms(mode=True)
    torch.set_num_threads(1)
    for name, recipes in files().items():
        np.savez_compressed(folder / f"{name}.npz", **make(recipes))  # type: ignore[arg-type]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
