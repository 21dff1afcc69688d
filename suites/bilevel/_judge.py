"""The judge of the bilevel suite.

It solves the lower level anew at every x, in float64 and with derivatives of its own, and scores x
there; where constraints or several solutions make y part of the answer, it scores (x, y).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property

import numpy as np
import torch

from tiltyard.answers import real
from tiltyard.errors import InvalidAnswer
from tiltyard.names import Value
from tiltyard.suite import Answer, Judge, Verdict
from tiltyard.suites.bilevel import SUITE
from tiltyard.suites.bilevel import _reference as references
from tiltyard.suites.bilevel._coupled import Constrained, Coupled, Library
from tiltyard.suites.bilevel._hypergradient import projected_norm
from tiltyard.suites.bilevel._reference import Reference
from tiltyard.suites.bilevel._scores import Scorer, Unconstrained
from tiltyard.suites.bilevel.problem import BilevelProblem

FEASIBLE = 1e-6
"""An x farther from X than this, over max(1, its norm), makes the answer unsound."""

SCORERS: dict[str, type[Scorer]] = {
    "deterministic": Unconstrained,
    "stochastic": Unconstrained,
    "constrained": Constrained,
    "library": Library,
}

LOST = 1e100
"""An answer with an entry beyond has diverged; products of two such numbers overflow."""


class BilevelJudge(Judge):
    """Scores a mapping with x and perhaps y, or with a hypergradient, by the problem's track."""

    def __init__(self, problem: BilevelProblem) -> None:
        self._track, self._held_out = problem.track, problem.held_out
        self._model = problem.model.on("cpu")

    @cached_property
    def _reference(self) -> Reference | None:
        return references.find(self._model)

    @cached_property
    def _scorer(self) -> Scorer:
        return SCORERS[self._track](self._model, self._reference)

    @cached_property
    def _at_start(self) -> Unconstrained:
        """What knows the hypergradient at x0."""
        return Unconstrained(self._model, None)

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
        """Return every metric of the suite, NaN where one does not apply.

        Raises:
            AssertionError: the answer's y proves the judge's own solution of the lower level wrong.
        """
        if self._track == "hypergradient":
            return self._score_hypergradient(torch.from_numpy(answer["hypergradient"]))
        if any(float(np.abs(part).max(initial=0.0)) > LOST for part in answer.values()):
            return Verdict(metrics={**_nothing(), "gap": math.inf})
        given = torch.from_numpy(answer["x"])
        x = self._model.project_x(given)
        away = float((given - x).norm())
        reason = ""
        if not away <= FEASIBLE * max(1.0, float(x.norm())):
            reason = f"x is {away:.1e} away from its set; {FEASIBLE:.0e} relative is allowed"
        scored = self._scorer.score(x, torch.from_numpy(answer["y"]) if "y" in answer else None)
        metrics = {**_nothing(), **scored.metrics}
        metrics["infeasibility"] = max(away, scored.metrics.get("infeasibility", 0.0))
        if isinstance(self._scorer, Coupled):
            metrics["gap"] = max(metrics["gap"], away)
        if self._held_out is not None and scored.y is not None:
            metrics |= self._held_out(x.numpy(), scored.y.numpy())
        return Verdict(
            metrics=metrics,
            sound=not reason,
            certificate=_known(scored.certificate),
            reason=reason,
        )

    def reference(self) -> Mapping[str, Value]:
        """Return the reference's value, kind, projected gradient, ways and provenance.

        In track ``hypergradient`` the value is the hypergradient's norm.
        """
        if self._track == "hypergradient":
            slope = self._at_start.start[1]
            told: dict[str, Value] = {"value": float(slope.gradient.norm()), "kind": "verified"}
            return told | {"linear_residual": slope.residual}
        found = self._reference
        if found is None:
            return {}
        told = {"value": found.value, "kind": found.kind, "gradient": found.gradient}
        told |= {"ways": "; ".join(found.ways), "provenance": found.provenance}
        return _known(told)

    def _score_hypergradient(self, given: torch.Tensor) -> Verdict:
        phi, slope = self._at_start.start
        size = float(slope.gradient.norm())
        metrics = _nothing() | {
            "gap": float((given - slope.gradient).norm()) / size,
            "objective": phi,
            "gradient": projected_norm(self._model, self._at_start.x0, slope.gradient),
        }
        certificate = {"norm": size, "linear_residual": slope.residual}
        return Verdict(metrics=metrics, certificate=_known(certificate))


def _nothing() -> dict[str, float]:
    return dict.fromkeys((metric.name for metric in SUITE.metrics), math.nan)


def _known(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values that say something: finite numbers and nonempty texts."""
    return {
        key: value
        for key, value in values.items()
        if (value if isinstance(value, str) else math.isfinite(value))
    }
