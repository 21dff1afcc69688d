"""The judge of the lipschitz suite.

It compares bounds and estimates with the largest values known at points of the regions, computed
from exact Jacobians in float64, and with exact values where they are known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from tiltyard.answers import real
from tiltyard.errors import InvalidAnswer
from tiltyard.names import Value
from tiltyard.suite import Answer, Judge, Verdict
from tiltyard.suites.lipschitz import reference as references
from tiltyard.suites.lipschitz.layers import Array
from tiltyard.suites.lipschitz.problem import LipschitzProblem
from tiltyard.suites.lipschitz.reference import Known

SOUND = 1e-6
"""How far below a known value a bound may be, relative to it."""

CAP = 1e30
"""The largest ratio of one region: that of one without a bound, too."""


class LipschitzJudge(Judge):
    """Scores bounds (``upper``, or a bare array) and estimates (``estimate``, ``witness``)."""

    def __init__(self, problem: LipschitzProblem) -> None:
        self._problem = problem
        self._partial = problem.norm == "partial"

    @cached_property
    def _known(self) -> Known:
        return references.known(self._problem)

    def accept(self, answer: object) -> Answer:
        """Return copies of the arrays.

        ``upper`` may hold infinity, where there is no bound yet.

        Raises:
            InvalidAnswer: neither bounds nor estimates, or both; another shape or no real numbers.
            NonFiniteAnswer: NaN; minus infinity; infinity where it is no bound.
        """
        if not isinstance(answer, Mapping):
            answer = {"upper": answer}
        shape, n = self._problem.shape, self._problem.network.inputs
        if set(answer) == {"upper"}:
            return {"upper": _real("upper", answer["upper"], shape, unbounded=True)}
        if set(answer) not in ({"estimate"}, {"estimate", "witness"}):
            found = ", ".join(sorted(repr(key) for key in answer)) or "nothing"
            raise InvalidAnswer(f"expected upper, or estimate and perhaps witness; found {found}")
        sizes = {"estimate": shape, "witness": (*shape, n)}
        return {key: _real(key, value, sizes[key]) for key, value in answer.items()}

    def score(self, answer: Answer) -> Verdict:
        """Return every metric of the suite; the certificate says what they were made of."""
        if "upper" in answer:
            return self._bounds(self._shaped(answer["upper"]))
        return self._estimates(answer)

    def reference(self) -> Mapping[str, Value]:
        """Return the largest reference over the regions, its kind and provenance."""
        known = self._known
        proved = int((~np.isnan(known.exact)).sum())
        return {
            "value": float(known.best.max()),
            "kind": self._kind(),
            "exact": f"{proved} of {known.exact.size} values",
            "provenance": known.how,
        }

    def _shaped(self, array: Array) -> Array:
        return array.reshape(self._known.lower.shape)

    def _kind(self) -> str:
        proved = ~np.isnan(self._known.exact)
        return (
            "exact" if proved.all() else "exact and lower bound" if proved.any() else "lower bound"
        )

    def _tolerance(self, lower: Array) -> Array:
        """Return (k, c) how far below a known value a bound may be.

        Signed values are compared with the largest of their region.
        """
        sizes = np.abs(lower)
        if self._partial:
            sizes = sizes.max(axis=1, keepdims=True) * np.ones_like(sizes)
        return SOUND * sizes + self._known.floor

    def _bounds(self, upper: Array) -> Verdict:
        known = self._known
        short = known.lower - self._tolerance(known.lower) - upper
        told = self._told(known.lower)
        reason = ""
        if (short > 0.0).any():
            region, part = at = _worst(short)
            reason = (
                f"{self._place(region, part)}: the bound {upper[at]:.9g} is below "
                f"{known.lower[at]:.9g}, the value at a known point"
            )
            told |= {
                "violated_region": region,
                "violated_bound": float(upper[at]),
                "witness_value": float(known.lower[at]),
                "witness": " ".join(repr(float(x)) for x in known.witness[at]),
            }
        return Verdict(
            metrics=self._metrics(upper, known.best, "certified"),
            sound=not reason,
            certificate=told,
            reason=reason,
            kind="certified",
        )

    def _estimates(self, answer: Answer) -> Verdict:
        known = self._known
        estimate = self._shaped(answer["estimate"])
        best, lower, reason = known.best, known.lower, ""
        told: dict[str, Value] = {}
        if "witness" in answer:
            found, reason = self._witnessed(estimate, answer["witness"])
            if not reason:
                told = self._improved(found)
                lower = np.maximum(lower, found)
                best = np.where(np.isnan(known.exact), lower, best)
                estimate = found
        return Verdict(
            metrics=self._metrics(estimate, best, "estimate"),
            sound=not reason,
            certificate={**self._told(lower), **told},
            reason=reason,
            kind="estimate",
        )

    def _witnessed(self, estimate: Array, witness: Array) -> tuple[Array, str]:
        """Return the values at witnesses, or why they do not stand."""
        from tiltyard.suites.lipschitz._regions import Regions
        from tiltyard.suites.lipschitz._values import Values

        k, parts = estimate.shape
        points = witness.reshape(k * parts, -1)
        owner = np.repeat(np.arange(k), parts)
        regions = Regions(self._problem)
        inside = regions.contains(points, owner)
        if not inside.all():
            at = int(np.argmin(inside))
            return estimate, f"{self._place(at // parts, at % parts)}: its witness lies outside"
        every, _ = Values(self._problem).attained(regions.project(points, owner), owner)
        found = every[np.arange(k * parts), np.tile(np.arange(parts), k)].reshape(k, parts)
        above = estimate - found - self._tolerance(found)
        if (above > 0.0).any():
            region, part = at2 = _worst(above)
            return estimate, (
                f"{self._place(region, part)}: the estimate {estimate[at2]:.9g} is above "
                f"{found[at2]:.9g}, the value at its witness"
            )
        return found, ""

    def _improved(self, found: Array) -> dict[str, Value]:
        """Return the reference that points improve most, and by how much."""
        best = self._known.best
        gained = found - best - self._tolerance(best)
        if not (gained > 0.0).any():
            return {}
        at = _worst(gained)
        return {
            "reference": float(best[at]),
            "improves_reference": float(found[at] - best[at]),
            "improved_region": int(at[0]),
        }

    def _told(self, lower: Array) -> dict[str, Value]:
        known = self._known
        told: dict[str, Value] = {
            "lower": float(lower.max()),
            "reference_kind": self._kind(),
            "reference_source": "shipped" if known.shipped else "the judge's own search",
        }
        if not np.isnan(known.exact).any():
            told["exact"] = float(known.exact.max())
        return told

    def _place(self, region: int, part: int) -> str:
        if not self._partial:
            return f"region {region}"
        features = self._problem.features
        sign = "+" if part < len(features) else "-"
        return f"region {region}, {sign}d/dx_{features[part % len(features)]}"

    def _metrics(self, given: Array, best: Array, kind: str) -> dict[str, float]:
        largest = float(given.max())
        nan = math.nan
        metrics = {
            "gap": nan,
            "exact_ratio": nan,
            "lower_ratio": nan,
            "median_ratio": nan,
            "worst_ratio": nan,
            "bound": largest if math.isfinite(largest) else nan,
            "undecided": nan,
        }
        if self._partial:
            half = given.shape[1] // 2
            proved = (given[:, :half] < 0.0) | (given[:, half:] < 0.0)
            holds = best < 0.0
            missed = holds & ~(given < 0.0)
            if kind == "estimate":
                holds, missed = np.ones_like(holds), holds != (given < 0.0)
            else:
                metrics["undecided"] = float(1.0 - proved.mean())
            metrics["gap"] = float(missed.sum() / max(1, holds.sum()))
            return metrics
        floor = self._known.floor
        logs = np.log(np.clip(_over(given, best, floor), 1.0 / CAP, CAP))
        off = np.abs(logs) if kind == "estimate" else np.maximum(logs, 0.0)
        proved = ~np.isnan(self._known.exact)
        to_lower = np.log(np.clip(_over(given, self._known.lower, floor), 1.0 / CAP, CAP))
        metrics["gap"] = float(np.expm1(off.mean()))
        metrics["exact_ratio"] = float(np.exp(logs[proved].mean())) if proved.any() else nan
        metrics["lower_ratio"] = float(np.exp(to_lower.mean()))
        metrics["median_ratio"] = float(np.exp(np.median(off)))
        metrics["worst_ratio"] = float(np.exp(off.max()))
        return metrics


def _over(given: Array, best: Array, floor: float) -> Array:
    """Return the ratios, both sides at least what rounding can amount to."""
    least = max(floor, np.finfo(float).tiny)
    made: Array = np.maximum(given, least) / np.maximum(best, least)
    return made


def _worst(excess: Array) -> tuple[int, int]:
    region, part = np.unravel_index(int(np.argmax(excess)), excess.shape)
    return int(region), int(part)


def _real(name: str, value: Any, shape: tuple[int, ...], *, unbounded: bool = False) -> Array:
    wanted = f"real numbers of shape {shape}"
    return real(name, value, shape, wanted=wanted, unbounded=unbounded)
