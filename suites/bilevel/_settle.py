"""One reference: what several ways find from several starts, polished, judged and described."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import scipy

from tiltyard.registry import registry
from tiltyard.suites.bilevel import _reference as references
from tiltyard.suites.bilevel._hypergradient import self_test
from tiltyard.suites.bilevel._reference import STORED, Reference
from tiltyard.suites.bilevel._ways import (
    Landscape,
    Way,
    lbfgs,
    polish,
    scan,
    simplex,
    truncated_newton,
)
from tiltyard.suites.bilevel.model import Array
from tiltyard.suites.bilevel.problem import BilevelProblem

AGREE = 1e-8
"""Two ways that differ by no more than this, over max(1, |value|), agree."""

STATIONARY = 1e-8
"""The most that the projected gradient of a verified reference may be."""

SELF_TEST = 1e-6
"""The most that the judge's gradient may differ from finite differences of Phi."""

FEW = 3
"""Up to this many dimensions a simplex is one of the ways."""


def settle(name: str, starts: int = 3) -> Reference | str:
    """Return the reference of the problem of that canonical name, or why there is none.

    Args:
        name: of the problem.
        starts: x0, and so many less one drawn around it or in its box.
    """
    problem = registry().build("bilevel", name)
    if not isinstance(problem, BilevelProblem):
        return "no problem of the suite"
    if problem.track == "hypergradient":
        return "the judge's hypergradient is the reference"
    if (exact := references.computed(problem.model)) is not None:
        return exact
    alone = problem.facts["constraints"] == "none" and problem.facts["lower_set"] == "free"
    if problem.track == "library" and not (alone and problem.model.unique):
        from tiltyard.suites.bilevel._settle_library import settle as settle_library

        return settle_library(name, problem)
    return _settle(name, problem, starts)


def _settle(name: str, problem: BilevelProblem, starts: int) -> Reference | str:
    landscape = Landscape(problem.model)
    error = _self_test(landscape)
    if error > SELF_TEST:
        return f"the judge's gradient differs from finite differences by {error:.1e}"
    ends = [
        way(landscape, start)
        for number, start in enumerate(_starts(landscape, starts))
        for way in _ways(landscape, first=number == 0)
    ]
    best = polish(landscape, min(ends, key=lambda end: end.value))
    close = AGREE * max(1.0, abs(best.value))
    agree = sorted({end.way for end in ends if end.value - best.value <= close})
    others = sorted({f"{e.way} {e.value:.9g}" for e in ends if e.value - best.value > close})
    verified = len(agree) >= 2 and best.gradient <= STATIONARY
    text = f"best of {len(ends)} runs from {starts} starts, then Newton's method"
    parts = [text, f"gradient against finite differences {error:.0e}"]
    if others:
        parts.append("other ends: " + ", ".join(others[:4]))
    parts.append(f"scipy {scipy.__version__}, {datetime.now(UTC).date()}")
    y = landscape.y(best.z)
    return Reference(
        name=name,
        kind="verified" if verified else "best known",
        value=best.value,
        gradient=best.gradient,
        ways=tuple(agree),
        provenance="; ".join(parts),
        fingerprint=references.fingerprint(problem.model),
        x=landscape.x(best.z) if problem.dim_x <= STORED else None,
        y=y if problem.dim_y <= STORED else None,
    )


def _ways(landscape: Landscape, *, first: bool) -> tuple[Way, ...]:
    """Return the ways to try from a start; those that see the whole set only once."""
    dimension = len(landscape.z0)
    bounded = bool(np.isfinite(landscape.lower).all() and np.isfinite(landscape.upper).all())
    if dimension == 1 and bounded:
        return (scan, lbfgs) if first else (lbfgs,)
    if dimension <= FEW:
        return lbfgs, simplex
    return lbfgs, truncated_newton


def _starts(landscape: Landscape, count: int) -> Iterator[Array]:
    """Yield x0, the point of X nearest to 0, then points drawn around x0 or anywhere in its box."""
    rng = np.random.default_rng(0)
    z0, boxed = landscape.z0, np.isfinite(landscape.lower) & np.isfinite(landscape.upper)
    low = np.where(boxed, landscape.lower, z0 - 3.0)
    high = np.where(boxed, landscape.upper, z0 + 3.0)
    yield z0
    if count > 1:
        yield landscape.clip(np.zeros_like(z0))
    for number in range(count - 2):
        noise = (high - low) * rng.uniform(-0.5, 0.5, len(z0))
        yield landscape.clip(0.5 * (low + high) + noise if number % 2 else z0 + 0.5 * noise)


def _self_test(landscape: Landscape) -> float:
    """Return how far the judge's gradient is from finite differences, at the start."""
    import torch

    slope = landscape.slope(landscape.z0)
    if not np.isfinite(slope).all():
        return math.nan

    def phi(z: torch.Tensor) -> float:
        return landscape.value(z.numpy())

    z0 = torch.from_numpy(landscape.z0)
    return self_test(phi, torch.from_numpy(slope), z0)
