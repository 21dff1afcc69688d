"""A third suite for the harness's tests: two kinds of answers, and one that a method mistakes."""

import numpy as np

from tiltyard import (
    InvalidAnswer,
    Judge,
    Metric,
    Problem,
    Suite,
    Tier,
    Verdict,
    implementation,
    problem,
)


class Lake(Problem):
    """Its depth is 1; the answer is ("bound", a float of at least 1) or ("guess", any float)."""

    def __init__(self) -> None:
        self.facts = {"water": "sweet"}


class LakeJudge(Judge):
    def accept(self, answer):
        if not isinstance(answer, tuple) or len(answer) != 2 or answer[0] not in SUITE.kinds:
            raise InvalidAnswer("expected a kind and a float")
        return {answer[0]: np.array(float(answer[1]))}

    def score(self, answer):
        ((kind, value),) = answer.items()
        gap = abs(float(value) - 1.0)
        if kind == "bound" and value < 1.0:
            return Verdict({"gap": gap}, sound=False, reason="above the ground", kind=kind)
        return Verdict({"gap": gap}, kind=kind)


SUITE = Suite(
    name="depth",
    version=1,
    title="Depth",
    summary="How deep is the lake?",
    metrics=(Metric(name="gap", unit="1", better="lower", scale="log", summary="error"),),
    gap="gap",
    targets=(1e-1, 1e-2),
    oracles={"sounding": 1.0},
    tiers={
        "smoke": Tier(seconds=0.05, seeds=1),
        "standard": Tier(seconds=0.2, seeds=1),
        "full": Tier(seconds=0.2, seeds=1),
    },
    judge=lambda lake: LakeJudge(),
    miniature=lambda lake: Lake(),
    module=__name__,
    example='yield "bound", 2.0',
    kinds=("bound", "guess"),
)


@problem(suite="depth", tiers={"smoke": [{}]})
def lake(rng):
    """A lake."""
    return Lake()


@implementation(suite="depth", kind="bound", cites="unpublished")
def plumb(problem, rng, *, start: float = 2.0):
    """Draw the rope in, as far as it stays on the ground."""
    x = start
    while True:
        problem.count("sounding")
        yield "bound", x
        x = 1.0 + (x - 1.0) / 2


@implementation(suite="depth", kind="bound", cites="unpublished")
def chain(problem, rng):
    """Lower a chain that is too long."""
    problem.count("sounding")
    yield "bound", 1.5


@implementation(suite="depth", kind="guess", cites="unpublished")
def squint(problem, rng, *, says: str = "guess"):
    """Look at the water; ``says`` is the kind of answer that it gives, so that a test can lie."""
    problem.count("sounding")
    yield says, 1.0
