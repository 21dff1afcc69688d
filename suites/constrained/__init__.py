"""Constrained nonlinear optimisation: CUTEst problems and their like.

Minimise f(x) subject to c_lower <= c(x) <= c_upper and lower <= x <= upper. Two tracks, with a
leaderboard each: ``equality`` (equations alone, no bounds) and ``general``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiltyard.suite import Judge, Metric, Suite, Tier

if TYPE_CHECKING:
    from tiltyard.suites.constrained.problem import ConstrainedProblem


def _judge(problem: ConstrainedProblem) -> Judge:
    from tiltyard.suites.constrained.judge import ConstrainedJudge

    return ConstrainedJudge(problem)


def _miniature(problem: ConstrainedProblem) -> ConstrainedProblem:
    from tiltyard.suites.constrained._miniature import miniature

    return miniature(problem)


def _lower(name: str, summary: str) -> Metric:
    return Metric(name=name, unit="1", better="lower", scale="log", summary=summary)


SUITE = Suite(
    name="constrained",
    version=1,
    title="Constrained optimisation",
    summary="Minimise a smooth function under equations, inequalities and bounds.",
    metrics=(
        _lower(
            "gap",
            "The KKT residual, or the objective's excess over the reference where that is above "
            "1e-4: a local solution is no solution of the problem.",
        ),
        _lower("kkt", "The largest of stationarity, primal, dual and complementarity."),
        _lower(
            "stationarity",
            "Largest entry of grad f + J'y + z, over max(1, |grad f|, |y|, |z|) in the max norm.",
        ),
        _lower("primal", "Largest violation of a bound b of c or x, over max(1, |b|)."),
        _lower("dual", "Largest multiplier of the wrong sign, over the scale of stationarity."),
        _lower("complementarity", "Largest multiplier times its slack, over that scale."),
        _lower("violation", "Largest violation of a constraint or bound, in the problem's units."),
        Metric(
            name="objective",
            unit="objective",
            better="lower",
            scale="linear",
            summary="f(x).",
        ),
        _lower("excess", "(f(x) - f*) / max(1, |f*|) above zero; NaN without a reference f*."),
    ),
    gap="gap",
    tracks=("equality", "general"),
    targets=(1e-4, 1e-6, 1e-8),
    oracles={
        "f": 1.0,
        "g": 1.0,
        "c": 1.0,
        "J": 1.0,
        "Jv": 1.0,
        "Jtv": 1.0,
        "H": 1.0,
        "Hv": 1.0,
        # Work of a method's own, counted for its claims; no oracle call.
        "sketch_step": 0.0,
        "linear_solve": 0.0,
        "flop": 0.0,
    },
    tiers={
        "smoke": Tier(seconds=0.5, seeds=1),
        "standard": Tier(seconds=2, seeds=1),
        "full": Tier(seconds=60, seeds=1),
    },
    judge=_judge,
    miniature=_miniature,
    module=__name__,
    example="""
        x = np.clip(problem.x0, problem.lower, problem.upper)
        while True:
            # One damped step that lowers a quadratic penalty; replace it by your method.
            c = problem.constraints(x)
            off = c - np.clip(c, problem.c_lower, problem.c_upper)
            slope = problem.gradient(x) + problem.jacobian_transpose_product(x, off) / step
            x = x - 1e-2 * step * slope / (1.0 + np.abs(slope).max())
            x = np.clip(x, problem.lower, problem.upper)
            yield x
    """,
)
