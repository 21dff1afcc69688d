"""Statistics of leaderboards: costs, profiles, ranks, tests, effect sizes, Pareto fronts.

Everything works on plain arrays, whose axes are implementation, problem and seed. NaN marks a pair
that is unsupported or was not run, inf a target that was not reached.
"""

from tiltyard.stats.bootstrap import CONFIDENCE, RESAMPLES, Array
from tiltyard.stats.costs import Unit, cost_spent, cost_to, costs_to, median_of_runs, sustained
from tiltyard.stats.credit import (
    RATIO_LIMIT,
    decades,
    gap_credit,
    known_means,
    mean_credit,
    profile_credit,
)
from tiltyard.stats.pairs import (
    TIE_RATIO,
    TIE_WIDTH,
    HeadToHead,
    Outcome,
    Pairing,
    head_to_head,
    pair,
)
from tiltyard.stats.pareto import Front, pareto_front
from tiltyard.stats.profiles import Profile, data_profiles, performance_profiles
from tiltyard.stats.ranks import Ranking, rank, ranks_of
from tiltyard.stats.runtime import ExpectedRuntime, expected_runtime
from tiltyard.stats.significance import (
    LEVEL,
    MINIMUM_IMPLEMENTATIONS,
    MINIMUM_PROBLEMS,
    Friedman,
    PairwiseTests,
    SignedRank,
    Untested,
    friedman,
    groups_of_ties,
    holm,
    pairwise_tests,
    signed_rank,
)

__all__ = [
    "CONFIDENCE",
    "LEVEL",
    "MINIMUM_IMPLEMENTATIONS",
    "MINIMUM_PROBLEMS",
    "RATIO_LIMIT",
    "RESAMPLES",
    "TIE_RATIO",
    "TIE_WIDTH",
    "Array",
    "ExpectedRuntime",
    "Friedman",
    "Front",
    "HeadToHead",
    "Outcome",
    "Pairing",
    "PairwiseTests",
    "Profile",
    "Ranking",
    "SignedRank",
    "Unit",
    "Untested",
    "cost_spent",
    "cost_to",
    "costs_to",
    "data_profiles",
    "decades",
    "expected_runtime",
    "friedman",
    "gap_credit",
    "groups_of_ties",
    "head_to_head",
    "holm",
    "known_means",
    "mean_credit",
    "median_of_runs",
    "pair",
    "pairwise_tests",
    "pareto_front",
    "performance_profiles",
    "profile_credit",
    "rank",
    "ranks_of",
    "signed_rank",
    "sustained",
]
