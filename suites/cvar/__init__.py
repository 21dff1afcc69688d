"""CVaR minimisation: risk-averse learning and portfolio choice.

Minimise CVaR_beta of the losses of finitely many scenarios plus mu/2 ||w||^2 (Rockafellar &
Uryasev 2000, doi:10.21314/JOR.2000.038).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiltyard.suite import Judge, Metric, Suite, Tier

if TYPE_CHECKING:
    from tiltyard.suites.cvar.problem import CVaRProblem

MINIATURE = 32


def _judge(problem: CVaRProblem) -> Judge:
    from tiltyard.suites.cvar.judge import CVaRJudge

    return CVaRJudge(problem)


def _miniature(problem: CVaRProblem) -> CVaRProblem:
    """Return the problem of the first 32 rows at most, probabilities renormalised."""
    from dataclasses import replace

    A, y, p = problem.A[:MINIATURE], problem.y[:MINIATURE], problem.p[:MINIATURE]
    weighted = problem.facts["weighted"] and p.sum() > 0
    p = p / p.sum() if weighted else p[:0]
    return replace(problem, A=A, y=y, p=p, held_out=None, _tensors={})


SUITE = Suite(
    name="cvar",
    version=1,
    title="CVaR minimisation",
    summary="Minimise the conditional value at risk of losses over finitely many scenarios.",
    metrics=(
        Metric(
            name="gap",
            unit="1",
            better="lower",
            scale="log",
            summary="(F(w) - D) / (F(start) - D) with D a certified lower bound of the optimum.",
        ),
        Metric(
            name="objective",
            unit="loss",
            better="lower",
            scale="linear",
            summary="F(w), the exact CVaR plus the regularisation.",
        ),
        Metric(
            name="cvar",
            unit="loss",
            better="lower",
            scale="linear",
            summary="The exact CVaR of the losses at w.",
        ),
        Metric(
            name="var_excess",
            unit="1",
            better="lower",
            scale="log",
            summary="What the answer's alpha adds to the Rockafellar-Uryasev objective above F(w), "
            "relative to F(start) - D.",
        ),
        Metric(
            name="test_cvar",
            unit="loss",
            better="lower",
            scale="linear",
            summary="The CVaR of the losses of held-out scenarios at w.",
        ),
        Metric(
            name="infeasibility",
            unit="1",
            better="lower",
            scale="log",
            summary="Euclidean distance of w to the simplex; 0 on R^d.",
        ),
    ),
    gap="gap",
    targets=(1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8),
    oracles={"sample": 1.0},
    tiers={
        "smoke": Tier(seconds=0.2, seeds=1),
        "standard": Tier(seconds=3, seeds=1),
        "full": Tier(seconds=300, seeds=1),
    },
    judge=_judge,
    miniature=_miniature,
    module=__name__,
    example="""
        w, alpha = problem.start()
        best = np.inf
        while True:
            candidate = w + step * rng.standard_normal(problem.d)
            if problem.domain == "simplex":
                candidate = np.abs(candidate) / np.abs(candidate).sum()
            losses = problem.losses(candidate)
            level = np.quantile(losses, problem.beta)
            excess = problem.p @ np.maximum(losses - level, 0.0) / (1.0 - problem.beta)
            value = level + excess + problem.mu / 2 * candidate @ candidate
            if value < best:
                w, alpha, best = candidate, float(level), value
            yield w, alpha
    """,
)
