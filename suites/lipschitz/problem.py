"""What a method of the lipschitz suite sees: a network, a norm pair, a region, outputs.

For a network f with Clarke Jacobian J, a region B and a matrix C of outputs, the quantity is

- norms ``l2``, ``linf``, ``max-rms``: sup over x in B of the operator norm ||C J(x)||, from the
  norm to itself. ``linf`` is the largest absolute row sum, ``l2`` the largest singular value. For
  ``max-rms`` input and output are tokens; a vector's norm is the largest root mean square of one;
- norm ``partial``: for C one row and each of the listed features j, the two suprema over B of
  d(C f)/dx_j and of -d(C f)/dx_j. The partial derivative has a sign on B if one is below zero.

Over a convex B with interior the supremum of the norms of Clarke Jacobians is the Lipschitz
constant (Jordan & Dimakis 2020, arXiv:2003.01219).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Self, TypedDict

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.names import Value
from tiltyard.suite import Problem
from tiltyard.suites.lipschitz.layers import Array, Dense
from tiltyard.suites.lipschitz.network import Chain, Network

Norm = Literal["l2", "linf", "max-rms", "partial"]
Region = Literal["global", "box", "ball", "tokens"]


class Answer(TypedDict, total=False):
    """What a method yields; shapes are ``problem.shape``.

    Certified methods (kind ``certified``) yield ``upper``. The others (kind ``estimate``) yield
    ``estimate``, and ``witness`` where they have points that attain it.

    Attributes:
        upper: bounds that the method vouches for; infinity where it has none yet. One below the
            value at a known point is unsound.
        estimate: what the method takes the suprema for, without a proof.
        witness: points of the regions, ``problem.shape`` + (n,), at which the estimate is attained;
            the judge takes the value there for the estimate.
    """

    upper: Any
    estimate: Any
    witness: Any


@dataclass(eq=False, kw_only=True)
class LipschitzProblem(Problem):
    """Bound the quantity above on one region or several (test points).

    Facts: ``track``, ``norm``, ``region``, ``radius``, ``clipped``, ``regions`` (how many),
    ``outputs`` (which rows, in words), ``input_scaling``, ``architecture`` (``chain``,
    ``residual``, ``attention``), ``activation`` (``relu``, ..., ``groupsort``, ``householder``,
    ``none``, ``mixed``), ``n``, ``m`` (rows of C), ``neurons``, ``depth`` (nonlinearities in
    sequence) and ``width`` (the largest).

    Attributes:
        network: f followed by C, one network.
        track: the suite's.
        norm: which quantity.
        region: ``global`` is R^n; ``box`` is |x - center|_inf <= radius, cut to ``clip`` where that
            is given; ``ball`` is |x - center|_2 <= radius; ``tokens`` is every x whose largest
            root mean square of a token is at most the radius.
        centers: (k, n) float64 centers of k boxes or balls; empty (0, n) elsewhere.
        radius: of the regions; 0 where there is none.
        clip: the range of valid inputs that boxes are cut to.
        outputs: C in words: ``all rows``, ``row 7``, ``row 1 - row 2``.
        input_scaling: the unit of the inputs, in words.
        features: the inputs j of a ``partial``.
        tokens: the number of tokens, for ``max-rms`` and ``tokens``.
        points: (p, n) float64 inputs that the network is meant for, where they are known; starts
            for searches. Every center is one.
    """

    network: Network
    track: str
    norm: Norm
    region: Region
    centers: Array = field(default_factory=lambda: np.empty((0, 0)))
    radius: float = 0.0
    clip: tuple[float, float] | None = None
    outputs: str = "all rows"
    input_scaling: str = "as given"
    features: tuple[int, ...] = ()
    tokens: int = 1
    points: Array = field(default_factory=lambda: np.empty((0, 0)))

    def __post_init__(self) -> None:
        n = self.network.inputs
        self.centers = _frozen(self.centers, n, "centers")
        self.points = _frozen(self.points, n, "points") if self.points.size else self.centers
        self._check()
        widths = self.network.widths()
        self.facts: dict[str, Value] = {
            "track": self.track,
            "norm": self.norm,
            "region": self.region,
            "radius": self.radius,
            "clipped": self.clip is not None,
            "regions": self.regions,
            "outputs": self.outputs,
            "input_scaling": self.input_scaling,
            "architecture": self.network.architecture,
            "activation": self.network.activation,
            "n": n,
            "m": self.network.outputs,
            "neurons": self.network.neurons(),
            "depth": len(widths),
            "width": max(widths, default=0),
        }

    @property
    def regions(self) -> int:
        """Number of regions, k; one where the region is R^n or a product of tokens."""
        return len(self.centers) if self.region in ("box", "ball") else 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an answer: (k,) for norms; (k, 2 J) for J features, first J of +, then of -."""
        if self.norm == "partial":
            return self.regions, 2 * len(self.features)
        return (self.regions,)

    @cached_property
    def chain(self) -> Chain:
        """The network as dense matrices and nonlinearities.

        Raises:
            Unsupported: it is none.
        """
        return self.network.chain()

    @cached_property
    def box(self) -> tuple[Array, Array]:
        """Lower and upper corners, (k, n) each, of the regions or, for balls, of boxes around them.

        Infinite for the global region.
        """
        n = self.network.inputs
        if self.region == "global":
            return np.full((1, n), -np.inf), np.full((1, n), np.inf)
        if self.region == "tokens":
            reach = self.radius * np.sqrt(n / self.tokens)
            return np.full((1, n), -reach), np.full((1, n), reach)
        lower, upper = self.centers - self.radius, self.centers + self.radius
        if self.clip is not None:
            lower, upper = np.maximum(lower, self.clip[0]), np.minimum(upper, self.clip[1])
        return lower, upper

    def on(self, device: str) -> Self:
        """Return this problem for one run; methods move what they need to ``device``."""
        fresh = super().on(device)
        fresh.__dict__.pop("chain", None)
        fresh.__dict__.pop("box", None)
        return fresh

    def _check(self) -> None:
        """Refuse an empty region and what does not fit.

        Raises:
            TiltyardError: naming what is wrong.
        """
        if self.region != "global" and not 0.0 < self.radius < np.inf:
            raise TiltyardError(f"the region's radius must be positive, found {self.radius:g}")
        if self.region in ("box", "ball") and not len(self.centers):
            raise TiltyardError(f"a {self.region} needs a center")
        if self.clip is not None:
            self._check_clip(*self.clip)
        if self.norm == "partial":
            self._check_features()
        sides = (self.network.inputs, self.network.outputs)
        if self.norm == "max-rms" and any(size % self.tokens for size in sides):
            raise TiltyardError(f"{sides} entries do not divide into {self.tokens} tokens")

    def _check_clip(self, low: float, high: float) -> None:
        if self.region != "box":
            raise TiltyardError("only boxes are cut to a range of valid inputs")
        lower, upper = self.box
        if not (lower < upper).all():
            raise TiltyardError(
                f"the region is empty: a box of radius {self.radius:g} lies outside "
                f"{low:g} to {high:g}"
            )

    def _check_features(self) -> None:
        n = self.network.inputs
        if self.network.outputs != 1 or not self.features:
            raise TiltyardError("partial derivatives need one output and a feature")
        for feature in self.features:
            if not 0 <= feature < n:
                raise TiltyardError(f"feature {feature} is none of the network's {n} inputs")


def select(network: Network, rows: Array) -> Network:
    """Return ``rows`` @ network: rows is C, (m, network.outputs).

    Raises:
        TiltyardError: the shapes do not fit.
    """
    return network.then(Dense(rows, np.zeros(len(rows))))


def _frozen(array: Array, n: int, what: str) -> Array:
    copy = np.array(array if array.size else np.empty((0, n)), dtype=np.float64)
    if copy.ndim != 2 or copy.shape[1] != n:
        raise TiltyardError(f"the {what} {copy.shape} are no points of the network's {n} inputs")
    if not np.isfinite(copy).all():
        raise TiltyardError(f"the {what} hold NaN or infinity")
    copy.setflags(write=False)
    return copy
