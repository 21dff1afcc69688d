"""What the stochastic bilevel methods share: minibatches, directions, hypergradient estimates."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from tiltyard.implementations.bilevel._stochastic_scale import Steps
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem, Level

Rows = Tensor | None
"""A minibatch; None is all samples."""

Point = tuple[Tensor, Tensor]
"""x and y."""

Triple = tuple[Tensor, Tensor, Tensor]
"""x, y and v, which aims at -H^-1 F_y; or their directions."""

EVERY = 10
"""Steps between two answers of a single-loop method: an answer then costs little next to them."""


def batches(
    problem: BilevelProblem, level: Level, size: int, rng: np.random.Generator
) -> Iterator[Rows]:
    """Return endless minibatches; a size of all samples or more gives all of them at once."""
    total = problem.n_lower if level == "lower" else problem.n_upper
    return itertools.repeat(None) if size >= total else problem.batches(level, size, rng)


def answer(x: Tensor, y: Tensor) -> Answer:
    """Return the answer; methods replace tensors and never write to one that they gave."""
    return {"x": x, "y": y}


def directions(problem: BilevelProblem, point: Triple, lower: Rows, upper: Rows) -> Triple:
    """Return f_xy v + F_x, f_y and H v + F_y, the directions of x, y and v.

    All are zero at y = y*(x), v = -H^-1 F_y and a stationary x.
    """
    x, y, v = point
    slope = problem.lower_gradient_y(x, y, lower)
    product = problem.hessian_product(x, y, v, lower)
    cross = problem.cross_product(x, y, v, lower)
    slope_x, slope_y = problem.upper_gradients(x, y, upper)
    return cross + slope_x, slope, product + slope_y


def outward(problem: BilevelProblem, point: Triple, lower: Rows, upper: Rows) -> Tensor:
    """Return F_x + f_xy v: the hypergradient where y = y*(x) and v = -H^-1 F_y."""
    x, y, v = point
    return problem.cross_product(x, y, v, lower) + problem.upper_gradient_x(x, y, upper)


@dataclass(frozen=True, slots=True)
class Sample:
    """The minibatches of one hypergradient estimate, and the number of terms it stands for.

    Attributes:
        upper: of both gradients of F.
        cross: of the cross product.
        hessians: of the factors of the Neumann series, the first one applied first.
        terms: of the series that a random one of them stands for.
    """

    upper: Rows
    cross: Rows
    hessians: Sequence[Rows]
    terms: int = 1


def neumann_sum(
    problem: BilevelProblem,
    points: Sequence[Point],
    slopes: Sequence[Tensor],
    rho: float,
    sample: Sample,
) -> list[Tensor]:
    """Return rho sum_{q=0..Q} prod_{j=1..q} (I - rho H_j) b at each point, towards H^-1 b."""
    totals = terms = list(slopes)
    for rows in sample.hessians:
        terms = [
            term.sub(problem.hessian_product(*point, term, rows), alpha=rho)
            for point, term in zip(points, terms, strict=True)
        ]
        totals = [total + term for total, term in zip(totals, terms, strict=True)]
    return [rho * total for total in totals]


def neumann_term(
    problem: BilevelProblem,
    points: Sequence[Point],
    slopes: Sequence[Tensor],
    rho: float,
    sample: Sample,
) -> list[Tensor]:
    """Return rho terms prod_j (I - rho H_j) b at each point: of a random term, unbiased for all."""
    terms = list(slopes)
    for rows in sample.hessians:
        terms = [
            term.sub(problem.hessian_product(*point, term, rows), alpha=rho)
            for point, term in zip(points, terms, strict=True)
        ]
    return [rho * sample.terms * term for term in terms]


Series = Callable[[BilevelProblem, Sequence[Point], Sequence[Tensor], float, Sample], list[Tensor]]


def hypergradients(
    problem: BilevelProblem, points: Sequence[Point], rho: float, sample: Sample, series: Series
) -> list[Tensor]:
    """Return F_x - f_xy v at each point, where v approximates H^-1 F_y by a series with step rho.

    All points are evaluated on the same minibatches.
    """
    slopes = [problem.upper_gradients(*point, sample.upper) for point in points]
    solved = series(problem, points, [slope_y for _, slope_y in slopes], rho, sample)
    return [
        slope_x - problem.cross_product(*point, v, sample.cross)
        for point, (slope_x, _), v in zip(points, slopes, solved, strict=True)
    ]


def full_series(lower: Iterator[Rows], upper: Iterator[Rows], terms: int) -> Sample:
    """Draw the minibatches of a sum of a series."""
    hessians = [next(lower) for _ in range(terms)]
    return Sample(next(upper), next(lower), hessians)


def drawn_term(
    rng: np.random.Generator, lower: Iterator[Rows], upper: Iterator[Rows], terms: int
) -> Sample:
    """Draw one of so many terms of a series, and its minibatches."""
    hessians = [next(lower) for _ in range(int(rng.integers(terms)))]
    return Sample(next(upper), next(lower), hessians, terms)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Of double momentum: the first steps of y and x, the first weight, what scales exponents."""

    steps: Steps
    eta: float
    decay: float


def double_momentum(
    problem: BilevelProblem,
    lower: Iterator[Rows],
    draw: Callable[[], Sample],
    series: Series,
    schedule: Schedule,
) -> Iterator[Answer]:
    """Run STORM on y and x together, from the start, and yield after each step.

    The directions are h = g + (1 - eta_k) (h - g_last), g and g_last on the same minibatches at
    this point and the last, for g = f_y and for the hypergradient; they start as g.

    Args:
        problem: of any finite sums.
        lower: the minibatches of f_y.
        draw: gives those of a hypergradient.
        series: of the hypergradient, with step ``steps.lower``.
        schedule: steps fall as k^-1/3, eta_k as k^-2/3 from at most 1.
    """
    x, y = last = problem.start()
    slope, direction = y.new_zeros(len(y)), x.new_zeros(len(x))
    for k in itertools.count(1):
        fade, rows, sample = k ** (-schedule.decay / 3.0), next(lower), draw()
        points = [(x, y), last] if k > 1 else [(x, y)]
        fresh, *old = [problem.lower_gradient_y(*point, rows) for point in points]
        upward, *before = hypergradients(problem, points, schedule.steps.lower, sample, series)
        if k > 1:
            keep = 1.0 - min(1.0, schedule.eta * fade**2)
            fresh = fresh.add(slope - old[0], alpha=keep)
            upward = upward.add(direction - before[0], alpha=keep)
        slope, direction, last = fresh, upward, (x, y)
        y = y.sub(slope, alpha=schedule.steps.lower * fade)
        x = problem.project_x(x.sub(direction, alpha=schedule.steps.upper * fade))
        yield answer(x, y)
        schedule.steps.follow(x)


class Spider:
    """SPIDER's recursive estimates of f_y and of the hypergradient, ``slope`` and ``direction``."""

    def __init__(self, problem: BilevelProblem, steps: Steps, point: Point) -> None:
        self._problem, self._steps, self._last = problem, steps, point
        self.direction, self.slope = point

    def restart(self, point: Point, terms: int) -> None:
        """Take both on all samples, with so many terms of the series."""
        ((self.slope, self.direction),) = self._at(
            [point], None, Sample(None, None, [None] * terms)
        )
        self._last = point

    def correct(self, point: Point, rows: Rows, sample: Sample) -> None:
        """Add the change since the last point, both ends on the same minibatches."""
        new, old = self._at([point, self._last], rows, sample)
        self.slope = self.slope + (new[0] - old[0])
        self.direction = self.direction + (new[1] - old[1])
        self._last = point

    def _at(self, points: Sequence[Point], rows: Rows, sample: Sample) -> list[Point]:
        problem, rho = self._problem, self._steps.lower
        slopes = [problem.lower_gradient_y(*point, rows) for point in points]
        upward = hypergradients(problem, points, rho, sample, neumann_sum)
        return list(zip(slopes, upward, strict=True))
