"""The judge of the bilevel suite.

It solves the lower level anew at every x, in float64 and with derivatives of its own, and scores x
there; where constraints or several solutions make y part of the answer, it scores (x, y).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch

from tiltyard.answers import real
from tiltyard.errors import InvalidAnswer
from tiltyard.names import Value
from tiltyard.suite import Answer, Judge, Verdict
from tiltyard.suites.bilevel import SUITE
from tiltyard.suites.bilevel import reference as references
from tiltyard.suites.bilevel._hypergradient import hypergradient, projected_norm, upper
from tiltyard.suites.bilevel._lower_level import TOLERANCE, LowerLevel, Solution
from tiltyard.suites.bilevel.problem import BilevelProblem
from tiltyard.suites.bilevel.reference import Reference

FEASIBLE = 1e-6
"""An x farther from X than this, over max(1, its norm), makes the answer unsound."""

ROUNDING = 1e-9
"""A value this little below the reference or the lower level's minimum, relatively, is noise."""


class BilevelJudge(Judge):
    """Scores a mapping with x and perhaps y, or with a hypergradient, by the problem's track."""

    def __init__(self, problem: BilevelProblem) -> None:
        self._track, self._held_out = problem.track, problem.held_out
        self._model = problem.model.on("cpu")
        self._start = self._model.project_x(self._model.x0.clone())
        self._level = LowerLevel(problem.model)

    @cached_property
    def _reference(self) -> Reference | None:
        return references.find(self._model)

    @cached_property
    def _at_start(self) -> tuple[Solution, float]:
        """The lower level's solution at x0, and Phi there."""
        solution = self._level.solve(self._start)
        return solution, upper(self._model, self._start, solution.y)

    @cached_property
    def _gradient_at_start(self) -> torch.Tensor:
        return hypergradient(self._level, self._at_start[0]).gradient

    def accept(self, answer: object) -> Answer:
        """Return copies, (dim_x,) or (dim_y,) float64, of what the track's answers hold.

        Raises:
            InvalidAnswer: no mapping, an unknown key, one missing, or not so many real numbers.
            NonFiniteAnswer: NaN or infinity.
        """
        sizes = {"x": self._model.dim_x, "y": self._model.dim_y}
        needed = ("x", "y") if self._track in {"constrained", "library"} else ("x",)
        if self._track == "hypergradient":
            sizes, needed = {"hypergradient": self._model.dim_x}, ("hypergradient",)
        expected = f"expected a mapping with {' and '.join(needed)}"
        if not isinstance(answer, Mapping):
            raise InvalidAnswer(f"{expected}, found {type(answer).__name__}")
        wrong = sorted(repr(key) for key in answer if key not in sizes)
        wrong += [f"no {key}" for key in needed if key not in answer]
        if wrong:
            raise InvalidAnswer(f"{expected}; found {', '.join(wrong)}")
        return {key: real(key, answer[key], (sizes[key],)) for key in sizes if key in answer}

    def score(self, answer: Answer) -> Verdict:
        """Return every metric of the suite, NaN where one does not apply."""
        if self._track == "hypergradient":
            return self._score_hypergradient(torch.from_numpy(answer["hypergradient"]))
        given = torch.from_numpy(answer["x"])
        x = self._model.project_x(given)
        away = float((given - x).norm())
        reason = ""
        if not away <= FEASIBLE * max(1.0, float(x.norm())):
            reason = f"x is {away:.1e} away from its set; {FEASIBLE:.0e} relative is allowed"
        y = torch.from_numpy(answer["y"]) if "y" in answer else None
        metrics, certificate = self._score_point(x, y)
        return Verdict(
            metrics={
                **dict.fromkeys((metric.name for metric in SUITE.metrics), math.nan),
                **metrics,
                "infeasibility": away,
            },
            sound=not reason,
            certificate=_known(certificate),
            reason=reason,
        )

    def _score_point(
        self, x: torch.Tensor, y: torch.Tensor | None
    ) -> tuple[dict[str, float], dict[str, Value]]:
        """Score x at y*(x), and y by what it misses."""
        solution = self._solve(x, y)
        phi = upper(self._model, x, solution.y) if math.isfinite(solution.residual) else math.inf
        if not math.isfinite(phi):
            return {"gap": math.inf, "objective": phi}, {}
        slope = hypergradient(self._level, solution)
        stationary = projected_norm(self._model, x, slope.gradient)
        metrics = {
            "gap": self._gap(phi, stationary),
            "objective": phi,
            "gradient": stationary,
            **self._against_reference(x, phi),
            **self._of_y(solution, y),
        }
        if self._held_out is not None:
            metrics |= self._held_out(x.numpy(), solution.y.numpy())
        certificate: dict[str, Value] = {
            "lower_residual": solution.residual,
            "lower_solved": str(solution.residual <= TOLERANCE).lower(),
            "lower_error_bound": self._error_bound(solution),
            "linear_residual": slope.residual,
            **self._improvement(phi),
        }
        return metrics, certificate

    def _solve(self, x: torch.Tensor, y: torch.Tensor | None) -> Solution:
        """Return the lower level's solution, the method's own y as a start where it is lower.

        Raises:
            AssertionError: the method's y has a lower value than what the judge finds from it.
        """
        solution = self._level.solve(x)
        if y is None:
            return solution
        noise = ROUNDING * max(1.0, abs(solution.value))
        if (value := self._lower(x, y)) < solution.value - noise:
            solution = self._level.solve(x, y)
        if value < solution.value - noise:
            raise AssertionError(f"f(x, y) = {value!r} is below its minimum {solution.value!r}")
        return solution

    def _lower(self, x: torch.Tensor, y: torch.Tensor) -> float:
        with torch.no_grad():
            return float(self._model.lower(x, y, None))

    def _gap(self, phi: float, stationary: float) -> float:
        """Return (Phi - Phi*) / (Phi(x0) - Phi*), or without Phi* what is left of the gradient."""
        if self._reference is None:
            start = projected_norm(self._model, self._start, self._gradient_at_start)
            return stationary / max(start, float(np.finfo(np.float64).tiny))
        value = self._reference.value
        least = np.finfo(np.float64).eps * max(1.0, abs(value))
        return max(0.0, phi - value) / max(self._at_start[1] - value, float(least))

    def _against_reference(self, x: torch.Tensor, objective: float) -> dict[str, float]:
        if self._reference is None:
            return {}
        value, best = self._reference.value, self._reference.x
        found = {"excess": max(0.0, objective - value) / max(1.0, abs(value))}
        if best is not None:
            size = max(1.0, float(np.linalg.norm(best)))
            found["distance"] = float(np.linalg.norm(x.numpy() - best)) / size
        return found

    def _of_y(self, solution: Solution, y: torch.Tensor | None) -> dict[str, float]:
        if y is None:
            return {}
        best = solution.value
        excess = max(0.0, self._lower(solution.x, y) - best) / max(1.0, abs(best))
        distance = float((y - solution.y).norm()) / max(1.0, float(solution.y.norm()))
        return {"lower_gap": excess, "lower_distance": distance}

    def _error_bound(self, solution: Solution) -> float:
        """Return |df/dy| / mu, which bounds |y - y*(x)|; NaN where mu is not known."""
        try:
            mu = self._model.curvature(solution.x)[0]
        except NotImplementedError:
            return math.nan
        return solution.residual * solution.scale / mu

    def _improvement(self, objective: float) -> dict[str, Value]:
        """Return the reference's value and kind, and by how much the answer improves it."""
        best = self._reference
        if best is None:
            return {}
        told: dict[str, Value] = {"reference": best.value, "reference_kind": best.kind}
        if objective < best.value - ROUNDING * max(1.0, abs(best.value)):
            told["improves_reference"] = best.value - objective
        return told

    def _score_hypergradient(self, given: torch.Tensor) -> Verdict:
        exact = self._gradient_at_start
        error = float((given - exact).norm()) / float(exact.norm())
        metrics: dict[str, float] = dict.fromkeys((m.name for m in SUITE.metrics), math.nan)
        metrics |= {"gap": error, "objective": self._at_start[1]}
        metrics["gradient"] = projected_norm(self._model, self._start, exact)
        return Verdict(metrics=metrics, certificate=_known({"norm": float(exact.norm())}))

    def reference(self) -> Mapping[str, Value]:
        """Return the reference's value, kind, projected gradient, ways and provenance."""
        found = self._reference
        if self._track == "hypergradient":
            return {"value": float(self._gradient_at_start.norm()), "kind": "closed form"}
        if found is None:
            return {}
        told: dict[str, Value] = {"value": found.value, "kind": found.kind}
        told |= {"gradient": found.gradient, "start": self._at_start[1]}
        told |= {"ways": "; ".join(found.ways), "provenance": found.provenance}
        return _known(told)


def _known(values: Mapping[str, Any]) -> dict[str, Value]:
    """Return the values that say something: finite numbers and nonempty texts."""
    return {
        key: value
        for key, value in values.items()
        if (value if isinstance(value, str) else math.isfinite(value))
    }
