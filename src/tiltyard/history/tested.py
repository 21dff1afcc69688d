"""What a bisection knows of a commit: its measurements, its value, the end that it is nearer to."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tiltyard.history.benchmarks import Kind
from tiltyard.history.series import POSITIVE


class Mark(StrEnum):
    """What a commit was found to be."""

    GOOD = "good"
    BAD = "bad"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one benchmark gave at one commit.

    Attributes:
        samples: one a seed, lower is better; infinite where a run has no value.
        fault: why the first of these runs failed; empty where it only missed its target.
    """

    samples: tuple[float, ...]
    fault: str = ""


@dataclass(slots=True)
class Tested:
    """A commit that was tested.

    Attributes:
        commit: full hash.
        kind: how its values are compared.
        mark: what it was found to be.
        measurements: in the order in which they were made.
        reason: why it was skipped or measured again; else empty.
    """

    commit: str
    kind: Kind
    mark: Mark
    measurements: list[Measurement] = field(default_factory=list)
    reason: str = ""

    @property
    def value(self) -> float:
        """The median over its measurements that have one.

        Infinite where more than half of them have none, NaN where nothing was measured.
        """
        values = [value_of(self.kind, one.samples) for one in self.measurements]
        finite = [value for value in values if math.isfinite(value)]
        if not values or 2 * len(finite) < len(values):
            return math.inf if values else math.nan
        return statistics.median(finite)

    @property
    def spread(self) -> float:
        """Half the interquartile range of its samples; 0 for shares and where it has no value."""
        samples = [sample for one in self.measurements for sample in one.samples]
        few = len(samples) < 2 or self.kind is Kind.SHARE
        if few or not math.isfinite(sum(samples)):
            return 0.0
        low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
        return (high - low) / 2


@dataclass(frozen=True, slots=True)
class Ends:
    """The levels of the good and the bad end.

    Attributes:
        kind: how values are compared.
        good: of the good one.
        bad: of the bad one.
    """

    kind: Kind
    good: float
    bad: float

    def place(self, value: float) -> float:
        """Return where a value lies: 0 is the good level, 1 the bad one."""
        if math.isinf(value) or math.isinf(self.bad):
            return 1.0 if math.isinf(value) else 0.0
        if self.good == self.bad:  # measurements beside the commit may bring them together
            return 0.5
        if self.kind in POSITIVE and min(self.good, self.bad) > 0:
            ratio = value / self.good
            return math.log(ratio) / math.log(self.bad / self.good) if ratio > 0 else 0.0
        return (value - self.good) / (self.bad - self.good)


def value_of(kind: Kind, samples: Sequence[float]) -> float:
    """Return what stands for samples: their median, of a share their mean.

    As in the history, there is no value where one is missing: a median of the others would flatter.
    """
    if not math.isfinite(sum(samples)):
        return math.inf
    return statistics.fmean(samples) if kind is Kind.SHARE else statistics.median(samples)
