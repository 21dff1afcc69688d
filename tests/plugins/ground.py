"""A second suite for the harness's tests: two tracks, and problems without parameters."""

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


class Ground(Problem):
    """The start is ``height``; the answer is any float, zero is best."""

    def __init__(self, height: float, surface: str) -> None:
        self.height = height
        self.facts = {"surface": surface}


class GroundJudge(Judge):
    def __init__(self, ground: Ground) -> None:
        self._height = ground.height

    def accept(self, answer):
        if not isinstance(answer, float):
            raise InvalidAnswer(f"expected a float, got {type(answer).__name__}")
        return {"x": np.array(answer)}

    def score(self, answer):
        return Verdict({"gap": abs(float(answer["x"])) / self._height})


SUITE = Suite(
    name="ground",
    version=1,
    title="Ground",
    summary="Dig to zero.",
    metrics=(Metric(name="gap", unit="1", better="lower", scale="log", summary="height left"),),
    gap="gap",
    targets=(1e-1, 1e-2),
    oracles={"dig": 1.0},
    tiers={
        "smoke": Tier(seconds=0.05, seeds=1),
        "standard": Tier(seconds=0.2, seeds=1),
        "full": Tier(seconds=0.2, seeds=1),
    },
    judge=GroundJudge,
    miniature=lambda ground: Ground(ground.height, ground.facts["surface"]),
    module=__name__,
    tracks=("soft", "hard"),
)


def _track(parameters):
    return "soft" if parameters["name"] == "sand" else "hard"


@problem(suite="ground", tiers={"smoke": [{}]}, track="soft")
def meadow(rng):
    """A hill of grass."""
    return Ground(2.0, "soft")


@problem(suite="ground", tiers={"standard": [{}]}, track="hard")
def cliff(rng):
    """A wall of rock."""
    return Ground(8.0, "hard")


@problem(
    suite="ground",
    tiers={"smoke": [{"name": "sand"}, {"name": "granite"}], "standard": [{"name": "sand"}]},
    track=_track,
)
def sample(rng, *, name: str = "sand"):
    """What was brought home."""
    return Ground(3.0, "soft" if name == "sand" else "hard")


@implementation(suite="ground", cites="unpublished")
def shovel(problem, rng):
    """Take a third away, again and again."""
    x = problem.height
    while True:
        problem.count("dig")
        x /= 1.5
        yield x


@implementation(suite="ground", cites="unpublished", requires={"surface": ("soft",)})
def spade(problem, rng):
    """Halve what is soft, and give up when it is nearly done."""
    x = problem.height
    while x > 0.05 * problem.height:
        problem.count("dig")
        x /= 2
        yield x
    return "blunt: the blade\nbroke"
