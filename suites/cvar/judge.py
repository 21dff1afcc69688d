"""The judge of the cvar suite.

It evaluates every answer with its own formulas in float64 and measures it against a certified lower
bound D of the optimal value, so that the gap it reports bounds the true suboptimality from above.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from tiltyard.answers import real
from tiltyard.errors import InvalidAnswer
from tiltyard.names import Value
from tiltyard.suite import Answer, Judge, Verdict
from tiltyard.suites.cvar._risk import Array, Instance, project_simplex
from tiltyard.suites.cvar.problem import CVaRProblem
from tiltyard.suites.cvar.reference import Reference, reference

FEASIBLE = 1e-6
ROUNDING = 1e-9


class CVaRJudge(Judge):
    """Scores pairs (w, alpha).

    On the simplex the nearest feasible point is evaluated; an answer farther from it than 1e-6 is
    unsound.
    """

    def __init__(self, problem: CVaRProblem) -> None:
        self._instance = Instance.of(problem)
        self._held_out = problem.held_out

    @cached_property
    def _reference(self) -> Reference:
        return reference(self._instance)

    @cached_property
    def _span(self) -> float:
        """F(start) - D, the unit of gaps; never zero."""
        start = self._instance.objective(self._instance.start())
        least = np.finfo(np.float64).eps * abs(start) + np.finfo(np.float64).tiny
        return max(start - self._reference.lower_bound, float(least))

    def accept(self, answer: object) -> Answer:
        """Return copies ``w``, (d,) float64, and ``alpha``, () float64, of a pair (w, alpha).

        Raises:
            InvalidAnswer: not a pair, or w is not d real numbers, or alpha is not one.
            NonFiniteAnswer: w or alpha holds NaN or infinity.
        """
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise InvalidAnswer(
                f"expected a pair (w, alpha), found {type(answer).__name__}"
                + (f" of length {len(answer)}" if isinstance(answer, tuple | list) else "")
            )
        d = self._instance.A.shape[1]
        return {"w": real("w", answer[0], (d,)), "alpha": real("alpha", answer[1], ())}

    def score(self, answer: Answer) -> Verdict:
        """Return every metric of the suite; the certificate holds the reference's values.

        Raises:
            AssertionError: the answer lies below the reference's lower bound, which is then wrong.
        """
        instance = self._instance
        w, infeasibility = self._project(answer["w"])
        z = instance.products(w)
        losses = instance.values(z)
        risk = instance.risk(losses)
        objective = risk + instance.penalty(w)
        excess = _envelope(instance, losses, float(answer["alpha"])) - risk
        return Verdict(
            metrics={
                "gap": self._gap(objective, z, losses),
                "objective": objective,
                "cvar": risk,
                "var_excess": max(excess, 0.0) / self._span if math.isfinite(excess) else math.inf,
                "test_cvar": self._test(w),
                "infeasibility": infeasibility,
            },
            sound=infeasibility <= FEASIBLE,
            certificate={
                "lower_bound": self._reference.lower_bound,
                "reference_gap": self._reference.relative_gap,
            },
            reason=""
            if infeasibility <= FEASIBLE
            else f"w is {infeasibility:.1e} away from the simplex; {FEASIBLE:.0e} is allowed",
        )

    def reference(self) -> Mapping[str, Value]:
        """Return the reference's value, lower bound, relative gap, resolution, solver and date.

        The resolution is the smallest gap that the judge can tell from zero.
        """
        found = self._reference
        return {
            "value": found.value,
            "lower_bound": found.lower_bound,
            "relative_gap": found.relative_gap,
            "resolution": max(0.0, found.value - found.lower_bound) / self._span,
            "solver": found.solver,
            "date": found.date,
        }

    def _project(self, w: Array) -> tuple[Array, float]:
        if self._instance.domain == "free":
            return w, 0.0
        nearest = project_simplex(w)
        with np.errstate(all="ignore"):
            return nearest, float(np.linalg.norm(w - nearest))

    def _gap(self, objective: float, z: Array, losses: Array) -> float:
        lower = self._reference.lower_bound
        below = lower - objective
        noise = 64.0 * np.finfo(np.float64).eps * max(np.abs(z).max(), np.abs(losses).max())
        if below > ROUNDING * max(abs(lower), self._span) + noise:
            raise AssertionError(
                f"an answer's objective {objective!r} lies below the certified bound {lower!r}"
            )
        return max(0.0, -below) / self._span

    def _test(self, w: Array) -> float:
        """Return the CVaR on the held-out rows, NaN where there are none."""
        if self._held_out is None:
            return math.nan
        A, y = self._held_out
        instance = self._instance
        held_out = Instance(
            A,
            y,
            np.full(len(y), 1.0 / len(y)),
            instance.loss,
            instance.beta,
            instance.mu,
            instance.domain,
            instance.over,
            instance.under,
        )
        return held_out.risk(held_out.values(held_out.products(w)))


def _envelope(instance: Instance, losses: Array, alpha: float) -> float:
    """Return alpha + sum_i p_i (l_i - alpha)_+ / (1 - beta), infinity where it overflows."""
    with np.errstate(all="ignore"):
        value = alpha + float(instance.cap @ np.maximum(losses - alpha, 0.0))
    return value if math.isfinite(value) else math.inf
