"""A suite in one file for the harness's tests: find the number zero."""

import ctypes
import dataclasses
import itertools
import os
import time
from pathlib import Path

import numpy as np

from tiltyard import (
    Budget,
    Claim,
    Finding,
    InvalidAnswer,
    Judge,
    Metric,
    NonFiniteAnswer,
    Problem,
    Request,
    Suite,
    Tier,
    Unsupported,
    Verdict,
    from_callback,
    implementation,
    problem,
)


class Line(Problem):
    """The start is ``x0``; the answer is any float, zero is best."""

    def __init__(self, x0: float) -> None:
        self.x0 = x0
        self.facts = {"x0": x0, "sign": "plus" if x0 > 0 else "minus"}


class LineJudge(Judge):
    def __init__(self, line: Line) -> None:
        self._line = line

    def accept(self, answer):
        if not isinstance(answer, float):
            raise InvalidAnswer(f"expected a float, got {type(answer).__name__}")
        if not np.isfinite(answer):
            raise NonFiniteAnswer(f"the answer is {answer}")
        return {"x": np.array(answer)}

    def score(self, answer):
        gap = abs(float(answer["x"])) / abs(self._line.x0)
        if gap == 12345.0:
            return Verdict({"gap": gap}, sound=False, reason="claims the impossible")
        return Verdict(
            {"gap": gap if gap < 1e100 else np.inf}, certificate={"x": float(answer["x"])}
        )

    def reference(self):
        return {"value": 0.0}


SUITE = Suite(
    name="toy",
    version=1,
    title="Toy",
    summary="Find zero.",
    metrics=(Metric(name="gap", unit="1", better="lower", scale="log", summary="distance to 0"),),
    gap="gap",
    targets=(1e-1, 1e-2),
    oracles={"step": 1.0},
    tiers={
        "smoke": Tier(seconds=0.05, seeds=1),
        "standard": Tier(seconds=0.2, seeds=2),
        "full": Tier(seconds=0.2, seeds=2),
    },
    judge=LineJudge,
    miniature=lambda line: Line(line.x0),
    module=__name__,
)


@problem(
    suite="toy",
    tiers={"smoke": [{"x0": 1.0}, {"x0": -2.0}], "standard": [{"x0": 3.0}, {"x0": -4.0}]},
)
def line(rng, *, x0: float = 1.0, instance: int = 0):
    """A start on the line."""
    if x0 == 0.5:
        time.sleep(60)
    if x0 == 0.25:
        raise ZeroDivisionError("no such line")
    return Line(x0)


@problem(suite="toy", needs={"no_such_module": "no-such-package>=1"})
def needy_line(rng, *, x0: float = 1.0):
    """A line that nobody here can draw."""
    raise AssertionError


@implementation(suite="toy", cites="halving", tune={"factor": (0.1, 0.9, "linear")})
def halve(problem, rng, *, factor: float = 0.5):
    """Shrink the number."""
    x = problem.x0
    while True:
        x *= factor
        problem.count("step")
        yield x


@implementation(suite="toy", cites="unpublished")
def noisy(problem, rng):
    """Shrink the number by a random factor, ten times."""
    x = problem.x0
    for _ in range(10):
        x *= rng.random()
        yield x


@implementation(suite="toy", cites="unpublished", requires={"sign": ("plus",)})
def positive_only(problem, rng):
    """Know the answer, if the start is positive."""
    yield 0.0


@implementation(suite="toy", cites="unpublished", needs={"no_such_module": "no-such-package>=1"})
def needy(problem, rng):
    """Need what is not there."""
    yield 0.0


@implementation(suite="toy", cites="unpublished", devices=("cpu", "cuda"))
def both_devices(problem, rng):
    """Run anywhere."""
    yield problem.x0 * 1e-3


@implementation(suite="toy", cites="unpublished")
def called_back(problem, rng):
    """Come from a library that owns its loop."""

    def solve(report):
        x = problem.x0
        for _ in range(1000):
            x /= 2
            report(x)
        return x

    return from_callback(solve)


@implementation(suite="toy", cites="unpublished")
def misbehave(problem, rng, *, how: str = "raise"):
    """Do what no method should."""
    yield problem.x0
    match how:
        case "raise":
            raise ZeroDivisionError("as asked")
        case "unsupported":
            raise Unsupported("cannot do this one")
        case "exit":
            raise SystemExit(3)
        case "os_exit":
            os._exit(7)
        case "segfault":
            ctypes.string_at(0)
        case "sleep":
            time.sleep(600)
        case "spin":
            Path("spinning").write_text(str(os.getpid()))
            for _ in itertools.count():
                pass
        case "allocate":
            hoard = [np.ones(2**20) for _ in itertools.count()]
            yield float(len(hoard))
        case "too_much":
            yield float(np.ones(2**50).sum())
        case "nan":
            yield float("nan")
        case "inf":
            yield float("inf")
        case "huge":
            yield 1e200
        case "shape":
            yield [1.0, 2.0]
        case "none":
            yield None
        case "unsound":
            yield 12345.0 * problem.x0
        case "phase":
            with problem.phase("think"):
                time.sleep(0.01)
            yield 0.0


@implementation(suite="toy", cites="unpublished")
def silent(problem, rng, *, forever: bool = False):
    """Give no answer at all."""
    while forever:
        pass
    yield from ()


@implementation(suite="toy", cites="unpublished")
def first_nan(problem, rng):
    """Start with NaN."""
    yield float("nan")


def _plan():
    return [
        Request(
            problem="line[x0=2]",
            implementation="halve",
            parameters={"factor": factor},
            seeds=(0,),
            budget=Budget(iterations=5),
        )
        for factor in (0.5, 0.25)
    ]


def _measure(records):
    gaps = [record.metrics["gap"] for record in records]
    ratio = gaps[0] / gaps[1]
    return Finding(
        verdict="reproduced" if ratio > 1 else "not reproduced",
        effect=ratio,
        low=ratio,
        high=ratio,
        unit="times",
        rows=[{"factor": r.spec.parameters["factor"], "gap": r.metrics["gap"]} for r in records],
    )


CLAIM = Claim(
    name="quarter-beats-half",
    suite="toy",
    statement="Quartering is faster than halving.",
    source="arithmetic",
    summary="Ratio of gaps after five iterations.",
    plan=_plan,
    measure=_measure,
    module=__name__,
)


def _plan_in_vain():
    request = _plan()[0]
    return [dataclasses.replace(request, problem="line[x0=0.25]")]


CLAIM_IN_VAIN = dataclasses.replace(CLAIM, name="in-vain", plan=_plan_in_vain)
