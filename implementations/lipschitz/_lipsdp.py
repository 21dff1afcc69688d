"""What the LipSDP methods share: the problems' forms, their slopes and the run over regions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import Unsupported
from tiltyard.implementations.lipschitz._lipsdp_certificate import certified, start
from tiltyard.implementations.lipschitz._lipsdp_lure import Lure, compressed, lure
from tiltyard.implementations.lipschitz._requirements import ELEMENTWISE
from tiltyard.suites.lipschitz.layers import Activation, Array
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem

REQUIRES = {"norm": ("l2",), **ELEMENTWISE}
"""The facts of a problem that LipSDP takes."""

Solve = Callable[[Lure, Array, Array], Iterator[Array]]
"""(form, (n, k) columns of multipliers, (k,) feasible weights of them) -> multipliers, (n,)."""

NARROW = 1e-9
"""Slopes nearer to each other, relative to their size, are taken for this far apart."""


def forms(problem: LipschitzProblem) -> list[Lure]:
    """Return the network on each of the problem's regions, with the slopes that it has there.

    The slopes are the derivatives' ranges over the activations' inputs, which CROWN bounds. A
    local problem's value is the supremum of Jacobians, so that slopes of derivatives are enough.

    Raises:
        Unsupported: naming a layer that is neither linear nor elementwise.
    """
    import torch

    from tiltyard.implementations.lipschitz._crown import derivatives, preactivations
    from tiltyard.implementations.lipschitz._program import compile_network
    from tiltyard.implementations.lipschitz._regions import region_of

    program = compile_network(problem.network, torch.zeros(0, dtype=torch.float64))[0]
    found = preactivations(program, region_of(problem, torch.float64), linear=True)
    ranges = {
        index: (low.numpy(), high.numpy())
        for index, (low, high) in derivatives(program, found).items()
    }

    def form(region: int) -> Lure:
        def slopes(index: int, activation: Activation, size: int) -> tuple[Array, Array]:  # noqa: ARG001
            low, high = (
                np.broadcast_to(end, (problem.regions, size))[region] for end in ranges[index]
            )
            width = NARROW * np.maximum(np.abs(low), np.abs(high))
            near = (low < high) & (high - low < width)
            return low, np.where(near, low + width, high)

        return lure(problem.network, slopes)

    return [form(region) for region in range(problem.regions)]


def bounds(
    problem: LipschitzProblem, solve: Solve, multipliers: str, largest: int, reason: str
) -> Iterator[Answer]:
    """Yield bounds by feasible multipliers, then, region after region, by better and better ones.

    Args:
        problem: of l2 norms.
        solve: what looks for multipliers; whatever it finds is certified in float64.
        multipliers: ``neuron``, or ``layer`` for one factor a layer.
        largest: the most columns of the LMI.
        reason: what holds it to that.

    Raises:
        Unsupported: the network has a layer or a size that LipSDP does not take.
    """
    neurons = problem.network.neurons()
    every = forms(problem) if neurons <= largest else []
    small = [compressed(form) for form in every]
    order = max((form.A.shape[1] for form in small), default=neurons)
    if order > largest:
        raise Unsupported(f"takes LMIs of order {largest}: {reason}; this network's is {order}")
    first = [start(form) for form in small]
    upper = np.array([certified(*three) for three in zip(every, first, small, strict=True)])
    yield {"upper": upper.copy()}
    paths = {}
    for region, form in enumerate(small):
        if len(form.A):
            basis = columns(form, first[region], multipliers)
            paths[region] = solve(form, basis, np.ones(basis.shape[1]))
    while paths:
        for region in tuple(paths):
            t = next(paths[region], None)
            if t is None:
                del paths[region]
                continue
            upper[region] = min(upper[region], certified(every[region], t, small[region]))
            yield {"upper": upper.copy()}


def columns(form: Lure, t: Array, multipliers: str) -> Array:
    """Return feasible multipliers t, (n,), split into those of each neuron, or of each layer."""
    groups: NDArray[np.intp] = np.arange(len(t))
    if multipliers == "layer":
        groups = np.unique(form.layer, return_inverse=True)[1]
    split = np.zeros((len(t), int(groups.max()) + 1))
    split[np.arange(len(t)), groups] = t
    return split
