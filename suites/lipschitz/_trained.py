"""The trained networks by name, their test points, and rows of outputs in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tiltyard.dataset import Arrays
from tiltyard.errors import TiltyardError, unknown
from tiltyard.names import Value
from tiltyard.suites.lipschitz.layers import Array
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.problem import select
from tiltyard.suites.lipschitz.storage import unpack

SEEDS = range(5)
PIXELS = "pixels / 16, so each is in [0, 1]"
MEANS = "means of 2x2 pixels / 16, so each is in [0, 1]"
RANGES = "features scaled to [0, 1] by their ranges in the table"
FULL_POINTS = 20


def trained(name: str, seed: int, *files: Arrays) -> tuple[Network, Array]:
    """Return the network of a training seed, and the table's (p, n) test points that it takes.

    Raises:
        TiltyardError: no file has a network of that name, or it has fewer seeds.
    """
    known = {key.partition("/")[0]: file for file in files for key in file}
    if name not in known:
        raise unknown("network", name, known)
    network = unpack(of_seed(known[name], name, seed))
    return network, scaled(known[name][f"{name}/points"], network.inputs)


def of_seed(file: Arrays, name: str, seed: int) -> dict[str, Array]:
    """Return the arrays of one training seed of a network, by the names that follow its own.

    Raises:
        TiltyardError: it has fewer seeds.
    """
    arrays = {
        key.removeprefix(f"{name}/"): array
        for key, array in file.items()
        if key.startswith(f"{name}/") and not key.endswith(("/points", "/accuracy"))
    }
    seeds = len(next(iter(arrays.values())))
    if not 0 <= seed < seeds:
        raise TiltyardError(f"network {name} has training seeds 0 to {seeds - 1}, not {seed}")
    return {key: array[seed] for key, array in arrays.items()}


def scaled(stored: Array, inputs: int) -> Array:
    """Return stored points as a network of so many inputs takes them: pixels / 16, or 2x2 means."""
    if stored.dtype != np.uint8:
        return stored
    pixels = stored / 16.0
    if inputs == 16:
        pixels = pixels.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4))
    return pixels.reshape(len(pixels), -1)


def some(points: Array, first: int, count: int) -> Array:
    """Return ``count`` points from number ``first`` on.

    Raises:
        TiltyardError: there are no such points.
    """
    if count < 1 or first < 0 or first + count > len(points):
        raise TiltyardError(
            f"points={count} from first={first} on are not among the {len(points)} test points"
        )
    return points[first : first + count]


def chosen(network: Network, output: str) -> tuple[Network, str]:
    """Return the network followed by C, and C in words.

    Args:
        network: f.
        output: ``all``; one row, ``7``; or a difference of two, ``1-2``.

    Raises:
        TiltyardError: it is none of these, or not of the network's rows.
    """
    if output == "all":
        return network, "all rows"
    plus, dash, minus = output.partition("-")
    if not plus.isdecimal() or (dash and not minus.isdecimal()):
        raise TiltyardError(
            f"output={output} is neither all, nor a row (7), nor a difference (1-2)"
        )
    rows = [int(plus), *([int(minus)] if dash else [])]
    if max(rows) >= network.outputs or len(set(rows)) != len(rows):
        raise TiltyardError(f"output={output} is not of the network's {network.outputs} rows")
    C = np.zeros((1, network.outputs))
    C[0, rows[0]] = 1.0
    if dash:
        C[0, rows[1]] = -1.0
    return select(network, C), " - ".join(f"row {row}" for row in rows)


def every_seed(**parameters: Value) -> list[dict[str, Value]]:
    """Return the parameters with each training seed."""
    return [{**parameters, "seed": seed} for seed in SEEDS]


def each(name: str, values: Sequence[Value], **parameters: Value) -> list[dict[str, Value]]:
    """Return the parameters with each value of one more and each training seed."""
    return [one for value in values for one in every_seed(**parameters, **{name: value})]
