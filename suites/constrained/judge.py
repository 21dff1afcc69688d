"""The judge of the constrained suite.

It evaluates every answer in float64 with the problem's own derivatives, along a second path where
the model has one, and takes the multipliers, the method's or its own, that prove more.
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
from tiltyard.suites.constrained import reference as references
from tiltyard.suites.constrained._differences import ACCURACY
from tiltyard.suites.constrained._multipliers import bound_multipliers
from tiltyard.suites.constrained._residuals import Point, Residuals
from tiltyard.suites.constrained.problem import ConstrainedProblem
from tiltyard.suites.constrained.reference import Reference

CLAIMS = ("solved", "infeasible", "unbounded")

LOCAL = 1e-4
"""From this excess on, the excess counts in the gap."""

PROVEN = 1e-8
"""With a KKT residual at most this, the method's multipliers need no comparison."""

FEASIBLE = {"solved": 1e-4, "unbounded": 1e-6, "reference": 1e-8}
"""The most that a scaled violation may be, for a claim and for a new best value."""

UNBOUNDED = -1e10
"""A claim of unboundedness must show a feasible point with an objective below this."""

STATIONARY = 1e-6
"""The most that the KKT residual of a new best point may be."""

LARGEST_SCALE = 1e3
"""The method's multipliers raise the scale at most this far above the judge's own.

Adding a large vector of the left null space of J to y would otherwise divide any residual away.
"""

_ZERO = Reference(
    name="",
    n=0,
    m=0,
    kind="definition",
    value=0.0,
    kkt=math.nan,
    violation=math.nan,
    multiplier_sum=0.0,
    solvers=(),
    provenance="a system of equations has no objective",
    fingerprint=(),
)


class ConstrainedJudge(Judge):
    """Scores x alone, or a mapping with x, multipliers and a claim."""

    def __init__(self, problem: ConstrainedProblem) -> None:
        self._model = problem.model
        self._has_objective = problem.has_objective

    @cached_property
    def _reference(self) -> Reference | None:
        found = references.find(self._model)
        return found if found is not None or self._has_objective else _ZERO

    @cached_property
    def _start_feasible(self) -> bool:
        with np.errstate(all="ignore"):
            violation = Point(self._model, self._model.bounds.x0).violations[1]
        return violation <= FEASIBLE["reference"]

    def accept(self, answer: object) -> Answer:
        """Return copies of x, and of y, z and the claim's number in ``CLAIMS`` where given.

        Raises:
            InvalidAnswer: neither n real numbers nor a mapping of known keys that holds them.
            NonFiniteAnswer: x, y or z holds NaN or infinity.
        """
        n, m = self._model.n, self._model.m
        if not isinstance(answer, Mapping):
            return {"x": real("x", answer, (n,))}
        known = ("x", "y", "z", "claim")
        odd = sorted(repr(key) for key in answer if key not in known)
        if odd or "x" not in answer:
            found = ", ".join(odd) or "no x"
            raise InvalidAnswer(f"expected a mapping with x and perhaps y, z, claim; found {found}")
        sizes = {"x": n, "y": m, "z": n}
        taken: dict[str, np.ndarray] = {
            key: real(key, answer[key], (size,)) for key, size in sizes.items() if key in answer
        }
        if "claim" in answer:
            claim = answer["claim"]
            if not isinstance(claim, str) or claim not in CLAIMS:
                raise InvalidAnswer(f"claim: expected one of {', '.join(CLAIMS)}, found {claim!r}")
            taken["claim"] = np.array(CLAIMS.index(claim), dtype=np.int8)
        return taken

    def score(self, answer: Answer) -> Verdict:
        """Return every metric of the suite; the certificate holds what they were made of."""
        with np.errstate(all="ignore"):
            point = Point(self._model, answer["x"])
            found = self._residuals(point, answer)
        excess = self._excess(point)
        kkt, primal = found.kkt, found.primal
        claim = CLAIMS[int(answer["claim"])] if "claim" in answer else ""
        reason, note = self._examine(claim, point)
        certificate: dict[str, Value] = {
            "multipliers": found.source,
            "stationarity": found.stationarity,
            "primal": primal,
            "dual": found.dual,
            "complementarity": found.complementarity,
            "scale": found.scale,
            "largest_multiplier": found.multiplier,
            "derivatives": self._derivatives(),
            **({"claim": note} if note else {}),
            **self._against_reference(point, found),
        }
        return Verdict(
            metrics={
                "gap": max(kkt, excess) if excess > LOCAL else kkt,
                "kkt": kkt,
                "stationarity": found.stationarity,
                "primal": primal,
                "dual": found.dual,
                "complementarity": found.complementarity,
                "violation": point.violations[0],
                "objective": point.objective,
                "excess": excess,
            },
            sound=not reason,
            certificate=_known(certificate),
            reason=reason,
        )

    def reference(self) -> Mapping[str, Value]:
        """Return the reference's value, kind, KKT residual, solvers and provenance."""
        found = self._reference
        if found is None:
            return {}
        told: dict[str, Value] = {"value": found.value, "kind": found.kind}
        told |= {"kkt": found.kkt, "violation": found.violation}
        told |= {"solvers": "; ".join(found.solvers), "provenance": found.provenance}
        return _known(told)

    def _residuals(self, point: Point, answer: Answer) -> Residuals:
        """Return the residuals with those multipliers that make the largest smallest."""
        if "y" not in answer and "z" not in answer:
            return point.least_squares()
        y = answer.get("y", np.zeros(self._model.m))
        pull = point.pull(y)
        z = answer.get("z", bound_multipliers(pull, point.of_x))
        given = point.residuals("method", pull, y, z)
        modest = given.scale <= LARGEST_SCALE * max(1.0, float(np.abs(point.gradient).max()))
        if modest and given.kkt <= PROVEN:
            return given
        own = point.least_squares()
        given = point.residuals("method", pull, y, z, most=LARGEST_SCALE * own.scale)
        return given if given.kkt < own.kkt else own

    def _excess(self, point: Point) -> float:
        if self._reference is None or math.isnan(point.objective):
            return math.nan
        best = self._reference.value
        return max(0.0, point.objective - best) / max(1.0, abs(best))

    def _examine(self, claim: str, point: Point) -> tuple[str, str]:
        """Return why a claim is refuted, else what the certificate says of it."""
        primal = point.violations[1]
        if claim == "solved" and not primal <= FEASIBLE[claim]:
            return f"claims to be solved with a violation of {primal:.1e}", ""
        if claim == "infeasible":
            known = self._feasible_point(primal)
            return (f"claims infeasibility, but {known} is feasible", "") if known else ("", claim)
        if claim == "unbounded" and not (
            primal <= FEASIBLE[claim] and point.objective <= UNBOUNDED
        ):
            return (
                f"claims unboundedness at an objective of {point.objective:.3g} "
                f"and a violation of {primal:.1e}"
            ), ""
        return "", claim

    def _feasible_point(self, primal: float) -> str:
        """Return which known point is feasible, or nothing."""
        found = self._reference
        if primal <= FEASIBLE["reference"]:
            return "the answer itself"
        if self._start_feasible:
            return "x0"
        if found is None or (found.kind == "definition" and found.x is None):
            return ""
        if found.x is None:
            return f"the reference ({found.kind})"
        with np.errstate(all="ignore"):
            violation = Point(self._model, found.x).violations[1]
        return f"the reference ({found.kind})" if violation <= FEASIBLE["solved"] else ""

    def _derivatives(self) -> str:
        if {"gradient", "jacobian"} <= self._model.provides:
            return "exact"
        return f"finite differences, accurate to about {ACCURACY:.0e}"

    def _against_reference(self, point: Point, found: Residuals) -> dict[str, Value]:
        """Return the reference's value and kind, and by how much the point improves it.

        What a violation v can gain is of the order of v times the multipliers; where they grow
        without limit, as without a constraint qualification, it is somewhat more.
        """
        best = self._reference
        if best is None:
            return {}
        told: dict[str, Value] = {"reference": best.value, "reference_kind": best.kind}
        worth = max(found.multiplier_sum, np.nan_to_num(best.multiplier_sum))
        margin = 1e-6 * (1.0 + abs(best.value)) + 100.0 * point.violations[0] * (1.0 + worth)
        below = best.value - point.objective
        feasible = found.primal <= FEASIBLE["reference"] and found.kkt <= STATIONARY
        if feasible and below > margin:
            told["improves_reference"] = below
        return told


def _known(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values that say something: finite numbers and nonempty texts."""
    return {
        key: value
        for key, value in values.items()
        if (value if isinstance(value, str) else math.isfinite(value))
    }
