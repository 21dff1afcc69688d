"""References of the library: the optimum found in several ways, against the published one.

The first way enumerates the lower level's active constraints. The others see values alone and solve
the lower level anew at each x: a grid that zooms in on the best x and y among points whose f is as
small as the grid can tell, and a search over x.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from scipy import optimize

from tiltyard.suites.bilevel import _reference as references
from tiltyard.suites.bilevel._fritz_john import Candidate, enumerate_active
from tiltyard.suites.bilevel._global import lower_minimum, minima
from tiltyard.suites.bilevel._library import LibraryModel
from tiltyard.suites.bilevel._reference import Reference
from tiltyard.suites.bilevel.model import Array
from tiltyard.suites.bilevel.problem import BilevelProblem

AGREE = 1e-6
"""Two ways whose values differ by no more than this, over max(1, |value|), agree."""

SPAN = 20.0
"""How far x and y are scanned from the start where they have no bound."""

SCAN = {1: 81, 2: 13}
"""Points of the first scan along each of so many dimensions of x."""

ZOOM = {1: 7, 2: 5}
"""Points along each dimension of x in a step of the zoom."""

FINE = {1: 81, 2: 41}
"""Points along each dimension of y in a step of the zoom."""

SEARCHES = 2
"""Points of the first scan from which x is searched."""

BAD = 1e6
"""What stands for F where the lower level or G allows no point."""

SHRINK = 0.5
"""How much finer the grid of a zoom becomes where its best point stays put."""

STEPS = 120
"""Grids of a zoom at most."""

END = 1e-9
"""A zoom ends at grids of this size, relative to the first."""


def settle(name: str, problem: BilevelProblem) -> Reference | str:
    """Return the reference of a library problem, or why there is none."""
    model = problem.model.on("cpu")
    if not isinstance(model, LibraryModel):
        return "no problem of the library"
    scan = Scan(model)
    coarse = scan.coarse()
    if not coarse:
        return "no feasible point on the grid"
    x0, y0 = (part.numpy() for part in problem.start())
    zoomed = scan.zoom(coarse[0])
    searched = scan.search(coarse)
    starts = [(coarse[0].x, coarse[0].y), (x0, y0), (zoomed.x, zoomed.y)]
    enumerated = enumerate_active(model, starts)
    if enumerated is None:
        return "no feasible point by enumeration"
    others = {
        "grid and zoom": zoomed.value,
        "search over x": searched,
        "published value": model.definition.published,
    }
    ways = ("enumeration of active constraints", *_agreeing(enumerated.value, others))
    return Reference(
        name=name,
        kind="verified" if len(ways) > 1 else "best known",
        value=enumerated.value,
        gradient=math.nan,
        ways=ways,
        provenance=_provenance(model, enumerated, others),
        fingerprint=references.fingerprint(model),
        x=enumerated.x,
        y=enumerated.y,
    )


def _agreeing(value: float, others: Mapping[str, float | None]) -> list[str]:
    """Return the names of the other ways that give the value."""
    close = AGREE * max(1.0, abs(value))
    return [way for way, one in others.items() if one is not None and abs(one - value) <= close]


def _provenance(model: LibraryModel, found: Candidate, others: Mapping[str, float | None]) -> str:
    definition = model.definition
    parts = [f"formulas of {definition.source}"]
    parts += [
        f"{way} {value:.9g} (difference {value - found.value:.1e})"
        for way, value in others.items()
        if value is not None and way != "published value"
    ]
    if definition.published is not None:
        off = abs(definition.published - found.value)
        verb = "agrees" if off <= 6e-3 * max(1.0, abs(found.value)) else "differs"
        parts.append(f"published {definition.published:.6g} {verb}")
    if definition.remark:
        parts.append(definition.remark)
    parts.append(f"scipy {scipy.__version__}, {datetime.now(UTC).date()}")
    return "; ".join(parts)


class Scan:
    """A grid over x with the lower level solved at every point, and a zoom."""

    def __init__(self, model: LibraryModel) -> None:
        self.model, self.definition = model, model.definition
        a = model.arrays
        self.n = model.dim_x
        start = np.concatenate((a["x0"], a["y0"]))
        low = np.concatenate((a["x_lower"], a["y_lower"]))
        high = np.concatenate((a["x_upper"], a["y_upper"]))
        self.low = np.where(np.isfinite(low), low, np.minimum(start, high) - SPAN)
        self.high = np.where(np.isfinite(high), high, np.maximum(start, low) + SPAN)
        self.bounds = low, high

    def coarse(self) -> list[Candidate]:
        """Return the best points (x, y) over a grid of x, y a global minimiser, best first."""
        count = SCAN[self.n]
        axes = [np.linspace(*ends, count) for ends in self._ends()[: self.n]]
        cell = np.zeros(len(self.low))
        cell[: self.n] = [axis[1] - axis[0] for axis in axes]
        found = []
        for point in itertools.product(*axes):
            x = np.array(point)
            ends = minima(self.model, torch.from_numpy(x))
            least = min((one.value for one in ends if one.violation <= 1e-7), default=math.inf)
            for one in ends:
                y = one.y.numpy()
                good = one.violation <= 1e-7 and one.value <= least + 1e-9 * max(1.0, abs(least))
                z = np.append(x, y)
                if good and self._allowed(self.definition.G, z[None], cell)[0]:
                    found.append(Candidate(float(self.definition.F(*z)), x, y))
        return sorted(found, key=lambda one: one.value)

    def search(self, coarse: list[Candidate]) -> float:
        """Return the least F of a search over x from the best points of a coarse grid.

        It is golden sections in one dimension and Nelder and Mead's simplex in two.
        """
        cells = (self.high - self.low)[: self.n] / (SCAN[self.n] - 1)
        low, high = (bound[: self.n] for bound in self.bounds)
        best = math.inf
        for one in coarse[:SEARCHES]:
            ends = np.clip((one.x - cells, one.x + cells), low, high)
            if self.n == 1:
                found = optimize.minimize_scalar(
                    lambda t: self._phi(np.array([t])),
                    bounds=(ends[0, 0], ends[1, 0]),
                    method="bounded",
                    options={"xatol": 1e-11},
                )
                best = min(best, float(found.fun))
                continue
            x = one.x
            for _ in range(3):
                simplex = optimize.minimize(
                    self._phi,
                    x,
                    method="Nelder-Mead",
                    bounds=optimize.Bounds(low, high),
                    options={"xatol": 1e-9, "fatol": 1e-11, "maxfev": 300},
                )
                best, x = min(best, float(simplex.fun)), simplex.x
        return best

    def _phi(self, x: Array) -> float:
        """Return the best F of the lower level's solutions at x; huge where there is none."""
        ends = minima(self.model, torch.from_numpy(x))
        least = min((one.value for one in ends if one.violation <= 1e-9), default=math.inf)
        values = [
            float(self.definition.F(*z))
            for one in ends
            if one.value <= least + 1e-10 * max(1.0, abs(least)) and one.violation <= 1e-9
            for z in [np.append(x, one.y.numpy())]
            if max(self.definition.G(*z), default=0.0) <= 1e-10
        ]
        return min(values, default=BAD)

    def _ends(self) -> list[tuple[float, float]]:
        return list(zip(self.low, self.high, strict=True))

    def zoom(self, start: Candidate) -> Candidate:
        """Return the best point, relaxed by what one cell of the last and finest grid hides."""
        best = start
        width = 0.25 * (self.high - self.low)
        if self.model.unique:
            # The step of y is to be well below that of x, or its blur leads x astray.
            x_width = 2.0 * (self.high - self.low)[: self.n] / SCAN[self.n]
            width = np.minimum(width, 2.0 * x_width.max())
            width[: self.n] = x_width
        end = END * width[: self.n].max()
        for _ in range(STEPS):
            new = self._around(best, width)
            if new is None:
                # What blur allowed on the last grid has nothing near it on this one.
                width = width / SHRINK
                continue
            stays = np.array_equal(new.x, best.x)
            best = new
            if stays:
                width = SHRINK * width
            if width[: self.n].max() <= end:
                break
        return best

    def _around(self, best: Candidate, width: Array) -> Candidate | None:
        """Return the best point of a grid around a point, perhaps none."""
        centre = np.concatenate((best.x, best.y))
        counts = [ZOOM[self.n]] * self.n + [FINE[len(best.y)]] * len(best.y)
        low, high = self.bounds
        axes = [
            np.unique(np.clip(c + w * np.linspace(-1.0, 1.0, count), a, b))
            for c, w, count, a, b in zip(centre, width, counts, low, high, strict=True)
        ]
        steps = 2.0 * width / (np.array(counts) - 1.0)
        ys = np.stack(np.meshgrid(*axes[self.n :], indexing="ij"), axis=-1)
        ys = ys.reshape(-1, len(best.y))
        found = []
        for point in itertools.product(*axes[: self.n]):
            x = np.array(point)
            least = lower_minimum(self.model, torch.from_numpy(x))
            if math.isfinite(least.value):
                found += self._best_at(x, ys, least.value, least.y.numpy(), steps)
        return min(found, key=lambda one: one.value, default=None)

    def _best_at(
        self, x: Array, ys: Array, least: float, y: Array, steps: Array
    ) -> list[Candidate]:
        """Return the best y at one x, if any is nearly a solution of the lower level."""
        # The solver's own minimiser is on the grid of y whatever its cells hide.
        every = np.vstack((ys, y))
        z = np.column_stack((np.tile(x, (len(every), 1)), every))
        own = np.where(np.arange(len(steps)) < self.n, 0.0, steps)
        good = self._allowed(lambda *v: (self.definition.f(*v) - least,), z, own)
        good &= self._allowed(self.definition.g, z, own)
        good &= self._allowed(self.definition.G, z, steps)
        if not good.any():
            return []
        F = np.where(good, np.broadcast_to(self.definition.F(*z.T), len(z)), math.inf)
        k = int(F.argmin())
        return [Candidate(float(F[k]), x, every[k])]

    @staticmethod
    def _allowed(function: Any, z: Array, steps: Array) -> NDArray[np.bool_]:
        """Return which points have no value above 0 beyond what a cell around them hides."""
        good = np.ones(len(z), dtype=bool)
        values = function(*z.T)
        hidden = [1e-14 * np.maximum(1.0, np.abs(value)) for value in values]
        for k, step in enumerate(steps):
            if step:
                unit = np.zeros(z.shape[1])
                unit[k] = step
                ends = zip(function(*(z + unit).T), function(*(z - unit).T), strict=True)
                for row, (up, down) in enumerate(ends):
                    far = np.maximum(np.abs(up - values[row]), np.abs(down - values[row]))
                    hidden[row] = hidden[row] + far
        for value, blur in zip(values, hidden, strict=True):
            good &= value <= blur
        return good
