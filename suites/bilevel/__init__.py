"""Bilevel optimisation: hyperparameters, data cleaning, games of leader and follower.

Minimise F(x, y) over x and y where y minimises f(x, .), the lower level, which may have
constraints g(x, y) <= 0. Five tracks, with a leaderboard each: ``deterministic`` and ``stochastic``
(no lower-level constraints, one lower-level solution; finite sums are the latter), ``constrained``,
``library`` (small problems of the literature, lower level often not convex) and ``hypergradient``
(the gradient of Phi(x) = F(x, y*(x)) at one x).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiltyard.suite import Judge, Metric, Suite, Tier

if TYPE_CHECKING:
    from tiltyard.suites.bilevel.problem import BilevelProblem


def _judge(problem: BilevelProblem) -> Judge:
    from tiltyard.suites.bilevel._judge import BilevelJudge

    return BilevelJudge(problem)


def _miniature(problem: BilevelProblem) -> BilevelProblem:
    from dataclasses import replace

    return replace(problem, model=problem.model.miniature(), held_out=None)


def _lower(name: str, summary: str, unit: str = "1") -> Metric:
    return Metric(name=name, unit=unit, better="lower", scale="log", summary=summary)


def _higher(name: str, summary: str) -> Metric:
    return Metric(name=name, unit="1", better="higher", scale="linear", summary=summary)


SUITE = Suite(
    name="bilevel",
    version=1,
    title="Bilevel optimisation",
    summary="Minimise an upper-level objective over the solutions of a lower-level problem.",
    metrics=(
        _lower(
            "gap",
            "(Phi(x) - Phi*) / (Phi(x0) - Phi*); with lower-level constraints and in the library "
            "the largest of excess, infeasibility and lower_gap; for hypergradients their "
            "relative error.",
        ),
        Metric(
            name="objective",
            unit="F",
            better="lower",
            scale="linear",
            summary="Phi(x) = F(x, y*(x)), or F(x, y) where the answer's y counts.",
        ),
        _lower("excess", "How far the objective is above the reference, over max(1, |reference|)."),
        _lower("gradient", "Norm of the projected gradient of Phi, x - P(x - grad Phi(x))."),
        _lower("lower_gap", "(f(x, y) - min f(x, .)) / max(1, |min f(x, .)|) for the answer's y."),
        _lower("lower_distance", "Distance of the answer's y to y*(x), over max(1, |y*(x)|)."),
        _lower("infeasibility", "Largest violation of any constraint or bound of either level."),
        _lower("distance", "Distance of x to the reference's, over max(1, its norm)."),
        _lower("test_error", "Share of held-out samples misclassified at y*(x)."),
        _higher("auc", "Area under the ROC curve of x for telling clean labels from corrupted."),
        _higher("f1", "F1 score of x > 0 for finding the clean labels."),
    ),
    gap="gap",
    tracks=("deterministic", "stochastic", "constrained", "library", "hypergradient"),
    targets=(1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8),
    # Samples evaluated, weighed by the usual cost of reverse-mode differentiation: a value 1, a
    # gradient 2, a product with second derivatives 4. Constraints count once a call.
    oracles={
        "F": 1.0,
        "f": 1.0,
        "F_x": 2.0,
        "F_y": 2.0,
        "f_x": 2.0,
        "f_y": 2.0,
        "hvp": 4.0,
        "cross": 4.0,
        "g": 1.0,
        "g_product": 2.0,
        "upper_g": 1.0,
        "upper_g_product": 2.0,
        "projection": 1.0,
    },
    tiers={
        "smoke": Tier(seconds=0.2, seeds=1),
        "standard": Tier(seconds=2, seeds=1),
        "full": Tier(seconds=60, seeds=3),
    },
    judge=_judge,
    miniature=_miniature,
    module=__name__,
    example="""
        x, y = problem.start()
        if problem.facts["track"] == "hypergradient":
            yield {"hypergradient": problem.upper_gradient_x(x, y)}
            return
        yield {"x": x, "y": y}
        while True:
            # A few lower-level steps, then the upper level's partial gradient: not a hypergradient.
            for _ in range(10):
                y = problem.project_y(y - step * problem.lower_gradient_y(x, y))
            x = problem.project_x(x - step * problem.upper_gradient_x(x, y))
            yield {"x": x, "y": y}
    """,
)
