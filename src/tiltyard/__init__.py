"""Tiltyard: methods meet head to head under one set of rules."""

from tiltyard.callback import from_callback
from tiltyard.claim import Claim, Finding, Request
from tiltyard.dataset import Dataset, dataset
from tiltyard.errors import InvalidAnswer, NonFiniteAnswer, TiltyardError, Unsupported
from tiltyard.family import ProblemFamily, problem
from tiltyard.implementation import Implementation, implementation
from tiltyard.suite import Budget, Judge, Metric, Problem, Suite, Tier, Verdict

__version__ = "0.1.0"

__all__ = [
    "Budget",
    "Claim",
    "Dataset",
    "Finding",
    "Implementation",
    "InvalidAnswer",
    "Judge",
    "Metric",
    "NonFiniteAnswer",
    "Problem",
    "ProblemFamily",
    "Request",
    "Suite",
    "Tier",
    "TiltyardError",
    "Unsupported",
    "Verdict",
    "__version__",
    "dataset",
    "from_callback",
    "implementation",
    "problem",
]
