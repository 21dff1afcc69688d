"""Settles one problem: long searches for large values, and bounds that meet them."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import Unsupported
from tiltyard.implementation import Implementation
from tiltyard.registry import generator, registry
from tiltyard.suites.lipschitz import reference as references
from tiltyard.suites.lipschitz._lower import Search
from tiltyard.suites.lipschitz._regions import Regions
from tiltyard.suites.lipschitz._values import one_thread
from tiltyard.suites.lipschitz.layers import Array
from tiltyard.suites.lipschitz.problem import LipschitzProblem
from tiltyard.suites.lipschitz.reference import SAME, Entry

BRANCHING = "clarke_branch_and_bound"
ENUMERATION = "activation_enumeration"
PROVERS = ("norm_product", "clarke_bound_propagation", ENUMERATION, BRANCHING)
"""Certified methods whose bounds are tried, from quick to slow."""

SEARCHERS = ("pga_lower",)
"""Methods whose witnesses are tried."""

_EVALUATIONS = 4000


class Settling:
    """The largest values and the smallest bounds so far.

    Attributes:
        upper: (k, c) the smallest certified bounds.
        by: (k, c) which of ``PROVERS`` gave them.
    """

    def __init__(self, name: str, problem: LipschitzProblem, before: Entry | None) -> None:
        self._name, self._problem = name, problem
        self._search = Search(problem, int(references.digest(problem)[:8], 16) + 1)
        self._floor = references.floor(problem)
        self.upper = np.full((problem.regions, self._search.values.parts), np.inf)
        self.by = np.full(self.upper.shape, -1)
        if before is not None:
            self.add(before.witness.astype(np.float64))
            proved = ~np.isnan(before.exact)
            self.upper[proved] = before.exact[proved]
            named = [i for i, prover in enumerate(PROVERS) if prover in before.how]
            self.by[proved] = named[0] if named else -1

    def add(self, points: Array) -> None:
        """Look at points, (k, many, n), as the file can hold them."""
        k, _, n = points.shape
        owner = np.repeat(np.arange(k), points.shape[1])
        near = points.astype(np.float32).astype(np.float64).reshape(-1, n)
        self._search.add(Regions(self._problem).project(near, owner).reshape(points.shape))

    def search(self, seconds: float) -> None:
        """Draw, ascend and climb until the time is up, at least once."""
        end = monotonic() + seconds
        rows = self._search.values.row_cost * self._problem.network.outputs
        each = int(np.clip(4e9 / rows, 100, _EVALUATIONS))
        with one_thread():
            while True:
                self._search.sample(each)
                self._search.ascend(each)
                self._search.climb(each)
                if monotonic() >= end:
                    return

    def witnesses(self, seconds: float) -> None:
        """Take the witnesses of other methods."""
        known = registry().implementations
        for name in SEARCHERS:
            searcher = known.get(("lipschitz", name))
            for answer in self._answers(searcher, seconds) if searcher is not None else ():
                if "witness" in answer:
                    parts = self._search.values.parts
                    self.add(np.asarray(answer["witness"]).reshape(len(self.upper), parts, -1))

    def prove(self, seconds: float) -> None:
        """Run certified methods until their bounds meet the values, or the time is up."""
        for name in PROVERS:
            if self.closed().all():
                return
            method = registry().implementations["lipschitz", name]
            run = {BRANCHING: self._branch, ENUMERATION: self._enumerate}.get(name, self._uppers)
            if not method.unsupported(self._problem, "cpu"):
                run(method, seconds)

    def _uppers(self, method: Implementation, seconds: float) -> None:
        for answer in self._answers(method, seconds):
            self._below(answer["upper"], method.name)
            if self.closed().all():
                return

    def _enumerate(self, _method: Implementation, seconds: float) -> None:
        """Enumerate activation patterns, and look at points deep inside the best cells."""
        from tiltyard.implementations.lipschitz._exact_enumeration import Enumeration

        if not self._problem.chain.activations:
            return
        end = monotonic() + seconds
        enumeration = Enumeration(self._problem.on("cpu"), 50)
        for _ in enumeration.rounds():
            self._below(enumeration.upper, ENUMERATION)
            if monotonic() >= end:
                break
        self.add(enumeration.witness())

    def _branch(self, method: Implementation, seconds: float) -> None:
        """Run branch and bound, and look at the points that it finds."""
        from tiltyard.implementations.lipschitz._split_search import Options
        from tiltyard.implementations.lipschitz._split_search import Search as Branching

        if not self._problem.chain.activations:
            return
        k, parts, n = *self.upper.shape, self._problem.network.inputs
        best, points = np.full((k, parts), -np.inf), np.empty((k, parts, n))
        points[:] = Regions(self._problem).centers()[:, None]

        class Watched(Branching):
            def _try(self, entries: Any, tried: Any) -> None:
                super()._try(entries, tried)
                values = self.objectives.values(tried)
                for row, region in enumerate(entries // self.objectives.slots):
                    better = values[row] > best[region]
                    best[region][better] = values[row][better]
                    points[region][better] = tried[row].numpy()

        end = monotonic() + seconds
        rng = generator("referee", self._name, method.name)
        search = Watched(self._problem.on("cpu"), rng, Options(64, 20, 64, 1000))
        for _ in search.start():
            self._below(search.upper, BRANCHING)
        while monotonic() < end and search.step():
            self._below(search.upper, BRANCHING)
        self.add(points)

    def _below(self, upper: Any, prover: str) -> None:
        upper = np.asarray(upper).reshape(self.upper.shape)
        self.by[upper < self.upper] = PROVERS.index(prover)
        self.upper = np.minimum(self.upper, upper)

    def closed(self) -> NDArray[np.bool_]:
        """Return (k, c) whether bound and value meet."""
        return self._meets(self._search.found())

    def _meets(self, lower: Array) -> NDArray[np.bool_]:
        met: NDArray[np.bool_] = self.upper <= lower + SAME * np.abs(lower) + self._floor
        return met

    def _rounded(self) -> tuple[Array, NDArray[np.float32]]:
        """Return the values at the points as the file can hold them, and these.

        Where rounding moves a point out of its piece, points beside it are tried.
        """
        with one_thread():
            best = self._search.best()[1]
        (k, parts, n), rng = best.shape, np.random.default_rng(0)
        owner = np.repeat(np.arange(k), parts)
        regions = Regions(self._problem)
        part = np.tile(np.arange(parts), k)
        lower, kept = (
            np.full(len(owner), -np.finfo(float).max),
            np.empty((len(owner), n), np.float32),
        )
        for width in (0.0, *np.repeat((1e-7, 1e-6, 1e-5, 1e-4, 1e-3), 6)):
            step = width * regions.size[owner] * rng.standard_normal((len(owner), n))
            where = (best.reshape(-1, n) + step).astype(np.float32)
            points = regions.project(where.astype(np.float64), owner)
            values = self._search.values.attained(points, owner)[0][np.arange(len(owner)), part]
            better = values > lower + 1e-9 * np.abs(lower)
            lower[better], kept[better] = values[better], where[better]
        return lower.reshape(k, parts), kept.reshape(k, parts, n)

    def entry(self) -> Entry:
        """Return what the file is to hold."""
        lower, where = self._rounded()
        proved = self._meets(lower)
        provers = [name for i, name in enumerate(PROVERS) if (self.by[proved] == i).any()]
        how = "hill climbing and gradient ascent"
        if proved.any():
            how += f"; exact where a bound of {' or '.join(provers)} meets the value to {SAME:g}"
        return Entry(
            name=self._name,
            lower=lower,
            exact=np.where(proved, lower, np.nan),
            witness=where,
            how=f"{how} ({platform.machine()}, float64)",
        )

    def violations(self) -> int:
        """Return how many bounds lie below values."""
        lower = self._search.found()
        return int((self.upper < lower - SAME * np.abs(lower) - self._floor).sum())

    def _answers(self, method: Implementation, seconds: float) -> Iterator[Any]:
        problem = self._problem.on("cpu")
        if method.unsupported(problem, "cpu"):
            return
        end = monotonic() + seconds
        rng = generator("referee", self._name, method.name)
        try:
            for answer in method.function(problem, rng, **method.parameters):
                yield answer
                if monotonic() >= end:
                    return
        except Unsupported:
            return
