"""The largest row sum or entry of a ReLU network's Jacobian over a box, as an integer program.

Jordan & Dimakis (2020), arXiv:2003.01219: one binary for every neuron that may switch, the backward
pass as products of these binaries with bounded derivatives, and one binary for the sign of every
entry of the Jacobian that may have either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tiltyard.implementations.lipschitz._exact_bounds import Piecewise, Relaxation, product
from tiltyard.implementations.lipschitz._exact_program import Block, Program
from tiltyard.implementations.lipschitz._exact_region import Region


@dataclass(frozen=True, eq=False)
class Objective:
    """What to maximise: the absolute sum of a row of the Jacobian, or ``sign`` times an entry."""

    row: int
    feature: int = -1
    sign: float = 1.0


def program_of(
    net: Piecewise, region: Region, layers: list[Relaxation], objective: Objective
) -> Program:
    """Return the program whose maximum is the objective's over a box.

    The binaries of a neuron whose input is zero are free. Where such inputs meet the box's vertices
    in general position this changes nothing; elsewhere it can only raise the maximum.

    Args:
        net: with at least one activation.
        region: a box.
        layers: bounds of every activation over it.
        objective: row sum or entry.
    """
    program = Program()
    active = _forward(program, net, region, layers)
    J = _backward(program, net, layers, active, objective.row)
    if objective.feature >= 0:
        gain = np.zeros(len(J.lower))
        gain[objective.feature] = objective.sign
        program.gains[J.at] = gain
    else:
        _absolute(program, J)
    return program


def _forward(
    program: Program, net: Piecewise, region: Region, layers: list[Relaxation]
) -> list[Block]:
    """Write the forward pass; return the 0-1 variables, 1 where a neuron is active."""
    before = program.block(-region.half, region.half)
    W, offset = net.weights[0], net.weights[0] @ region.center + net.biases[0]
    active = []
    for at, layer in enumerate(layers):
        z = program.block(layer.lower, layer.upper)
        program.equal(-offset, (W, before), (-1.0, z))
        sure = ~layer.unstable & (layer.low == 1.0)
        on = program.block(
            sure.astype(np.float64), (sure | layer.unstable).astype(np.float64), integral=True
        )
        active.append(on)
        zero = np.zeros(len(offset))
        low, high = np.minimum(layer.lower, 0.0), np.maximum(layer.upper, 0.0)
        program.at_most(-low, (-1.0, z), (-low, on))
        program.at_most(zero, (1.0, z), (-high, on))
        if at + 1 == len(layers):
            break
        relu = program.block(zero, high)
        program.at_most(zero, (1.0, z), (-1.0, relu))
        program.at_most(-low, (1.0, relu), (-1.0, z), (-low, on))
        program.at_most(zero, (1.0, relu), (-high, on))
        before = program.block(
            *(np.maximum(b, layer.below * b) for b in (layer.lower, layer.upper))
        )
        program.equal(zero, (layer.below, z), (1.0 - layer.below, relu), (-1.0, before))
        W, offset = net.weights[at + 1], net.biases[at + 1]
    return active


def _backward(
    program: Program, net: Piecewise, layers: list[Relaxation], active: list[Block], row: int
) -> Block:
    """Write the backward pass; return the row of the Jacobian."""
    g = program.block(net.weights[-1][row], net.weights[-1][row])
    for layer, on, W in zip(
        reversed(layers), reversed(active), reversed(net.weights[:-1]), strict=True
    ):
        low, high = g.lower, g.upper
        zero = np.zeros(len(low))
        kept = program.block(np.minimum(low, 0.0), np.maximum(high, 0.0))  # on times g
        program.at_most(zero, (1.0, kept), (-high, on))
        program.at_most(zero, (-1.0, kept), (low, on))
        program.at_most(-low, (1.0, kept), (-1.0, g), (-low, on))
        program.at_most(high, (-1.0, kept), (1.0, g), (high, on))
        through = product(
            np.minimum(layer.low * low, layer.high * low),
            np.maximum(layer.low * high, layer.high * high),
            W,
        )
        after = program.block(*through)
        program.equal(
            np.zeros(W.shape[1]),
            (layer.below * W.T, g),
            ((1.0 - layer.below) * W.T, kept),
            (-1.0, after),
        )
        g = after
    return g


def _absolute(program: Program, J: Block) -> None:
    """Let the gain be the sum of the absolute values of a block."""
    crossing = (J.lower < 0.0) & (J.upper > 0.0)
    program.gains[J.at] = np.where(crossing, 0.0, np.where(J.upper > 0.0, 1.0, -1.0))
    if not crossing.any():
        return
    pick = np.eye(len(crossing))[crossing]
    low, high = J.lower[crossing], J.upper[crossing]
    zero = np.zeros(len(low))
    size = program.block(zero, np.maximum(-low, high))
    positive = program.block(zero, np.ones(len(low)), integral=True)
    program.at_most(-2.0 * low, (1.0, size), (-pick, J), (-2.0 * low, positive))
    program.at_most(zero, (1.0, size), (pick, J), (-2.0 * high, positive))
    program.gains[size.at] = np.ones(len(low))
