"""Lipschitz constants of neural networks: certified bounds, and estimates beside them.

A problem states the norm pair, the outputs, the region and the unit of its inputs. Seven tracks and
two kinds of answers, with a leaderboard each: a bound that a method vouches for is ``certified``,
anything else an ``estimate``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiltyard.suite import Judge, Metric, Suite, Tier

if TYPE_CHECKING:
    from tiltyard.suites.lipschitz.problem import LipschitzProblem


def _judge(problem: LipschitzProblem) -> Judge:
    from tiltyard.suites.lipschitz.judge import LipschitzJudge

    return LipschitzJudge(problem)


def _miniature(problem: LipschitzProblem) -> LipschitzProblem:
    from tiltyard.suites.lipschitz._miniature import miniature

    return miniature(problem)


def _ratio(name: str, summary: str) -> Metric:
    return Metric(name=name, unit="1", better="lower", scale="log", summary=summary)


SUITE = Suite(
    name="lipschitz",
    version=1,
    title="Lipschitz constants of neural networks",
    summary="Bound the norm of a network's Jacobian over a region, or over all inputs.",
    metrics=(
        _ratio(
            "gap",
            "The geometric mean over regions of the ratio to the reference, less 1. The reference "
            "is the exact value where it is known, else the largest known value at a point. A "
            "ratio of an estimate is by how much it is off, above or below; a region without a "
            "bound counts with 1e30. For partial derivatives the share of the signs that hold, as "
            "far as is known, and were not proved; for estimates of those that are wrong.",
        ),
        _ratio("exact_ratio", "Geometric mean of bound / exact value, where that is known."),
        _ratio("lower_ratio", "Geometric mean of bound / largest value known at a point."),
        _ratio("median_ratio", "Median over regions of the ratio to the reference."),
        _ratio("worst_ratio", "Largest ratio to the reference of any region."),
        Metric(
            name="bound",
            unit="output/input",
            better="lower",
            scale="log",
            summary="The largest bound, or estimate, over the regions.",
        ),
        Metric(
            name="undecided",
            unit="1",
            better="lower",
            scale="linear",
            summary="Share of all partial derivatives whose sign was not proved; NaN for norms.",
        ),
    ),
    gap="gap",
    tracks=(
        "local-linf",
        "local-l2",
        "global-l2",
        "monotonicity",
        "sorting-l2",
        "sorting-linf",
        "transformer",
    ),
    kinds=("certified", "estimate"),
    targets=(1.0, 0.5, 0.2, 0.1, 0.02, 1e-6),
    oracles={"linear_program": 0.0, "branch": 0.0, "sample": 0.0},
    tiers={
        "smoke": Tier(seconds=1, seeds=1),
        "standard": Tier(seconds=5, seeds=1),
        "full": Tier(seconds=60, seeds=1),
    },
    judge=_judge,
    miniature=_miniature,
    module=__name__,
    example="""
        # The product of the layers' norms, where every nonlinearity is 1-Lipschitz.
        bound = np.inf
        plain = ("relu", "tanh", "sigmoid", "softplus", "groupsort", "none")
        chained = problem.facts["architecture"] == "chain"
        if chained and problem.facts["activation"] in plain and problem.norm != "max-rms":
            order = np.inf if problem.norm == "linf" else 2
            bound = np.prod([np.linalg.norm(weight, order) for weight in problem.chain.weights])
        yield {"upper": np.full(problem.shape, bound)}
    """,
)
