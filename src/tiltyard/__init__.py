"""Tiltyard: methods meet head to head under one set of rules."""

from tiltyard.dataset import Dataset, dataset
from tiltyard.errors import InvalidAnswer, NonFiniteAnswer, TiltyardError, Unsupported
from tiltyard.implementation import Implementation, implementation
from tiltyard.suite import Judge, Metric, Problem, ProblemFamily, Suite, Tier, Verdict, problem

__version__ = "0.1.0"

__all__ = [
    "Dataset",
    "Implementation",
    "InvalidAnswer",
    "Judge",
    "Metric",
    "NonFiniteAnswer",
    "Problem",
    "ProblemFamily",
    "Suite",
    "Tier",
    "TiltyardError",
    "Unsupported",
    "Verdict",
    "__version__",
    "dataset",
    "implementation",
    "problem",
]
