"""The contracts as executable checks, for ``tiltyard check`` and for the conformance tests."""

from tiltyard.conformance.check import Check
from tiltyard.conformance.datasets import DATASET_CHECKS, check_dataset
from tiltyard.conformance.families import FAMILY_CHECKS, check_family
from tiltyard.conformance.methods import IMPLEMENTATION_CHECKS, check_implementation
from tiltyard.conformance.suites import SUITE_CHECKS, check_suite
from tiltyard.conformance.trial import Trial, try_methods

__all__ = [
    "DATASET_CHECKS",
    "FAMILY_CHECKS",
    "IMPLEMENTATION_CHECKS",
    "SUITE_CHECKS",
    "Check",
    "Trial",
    "check_dataset",
    "check_family",
    "check_implementation",
    "check_suite",
    "try_methods",
]
