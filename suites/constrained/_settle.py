"""One reference: what several solvers find from several starts, polished, judged and described."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from time import monotonic
from typing import Any

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.implementation import Implementation
from tiltyard.names import parse_name
from tiltyard.registry import generator, registry
from tiltyard.suite import Answer
from tiltyard.suites.constrained import reference as references
from tiltyard.suites.constrained._polish import Polished, polish, start
from tiltyard.suites.constrained.judge import ConstrainedJudge
from tiltyard.suites.constrained.model import Array
from tiltyard.suites.constrained.problem import ConstrainedProblem
from tiltyard.suites.constrained.reference import Reference

SOLVERS = {
    "ipopt": ("ipyopt",),
    "uno_filtersqp": ("unopy",),
    "pounce": ("pounce-solver",),
    "slsqp": ("scipy",),
    "primal_dual_interior_point": ("tiltyard",),
}
"""Methods of the suite that are asked, each with the distributions that its version is of."""

FEASIBLE = 1e-6
SAME = 1e-6
VERIFIED = 1e-10
CLOSED_FORM = {"HS13": ((1.0, 0.0), "x2 >= 0 and x2 <= (1 - x1)^3 leave x1 <= 1")}
"""Solutions that satisfy no constraint qualification, each with its proof; no polish finds them."""

_NEAR = 1e-3
"""A polish that moves the objective by more has gone to another point, and is not taken."""

STORED = 200
"""The point is stored up to this many variables."""


@dataclass(frozen=True)
class Candidate:
    """What one solver ended with: its answer, objective, violations and KKT residual.

    ``credit`` is what the violation may have taken off the objective, to first order.
    """

    solver: str
    start: int
    answer: Answer
    objective: float
    primal: float
    kkt: float
    credit: float


def settle(name: str, seconds: float, starts: int) -> Reference | str:
    """Return the reference of a problem, or why there is none.

    Args:
        name: canonical name.
        seconds: for one solver from one start.
        starts: x0, and so many less one around it, where n is at most 1,000.
    """
    problem = registry().build("constrained", name)
    if not isinstance(problem, ConstrainedProblem):  # the registry knows problems by their suite
        raise TypeError(name)
    with np.errstate(all="ignore"):
        tried = list(_candidates(problem, seconds, starts))
        feasible = [one for one in tried if one.primal <= FEASIBLE and np.isfinite(one.objective)]
        if not feasible:
            least = min((one.primal for one in tried), default=np.nan)
            return f"no feasible point; the least violation is {least:.1e}"
        best = _exact(name, problem) or _best(problem, feasible)
        return _described(name, problem, feasible, best)


def _candidates(problem: ConstrainedProblem, seconds: float, starts: int) -> Iterator[Candidate]:
    judge = ConstrainedJudge(problem)
    for number, x0 in enumerate(_starts(problem, starts)):
        for solver in SOLVERS:
            method = registry().implementations.get(("constrained", solver))
            if method is None or method.unsupported(problem, "cpu"):
                continue
            answer = _last(method, problem, x0, seconds, judge)
            if answer is not None:
                verdict = judge.score(answer)
                objective, primal, kkt, violation = (
                    verdict.metrics[key] for key in ("objective", "primal", "kkt", "violation")
                )
                credit = violation * float(verdict.certificate.get("largest_multiplier", 0.0))
                yield Candidate(solver, number, answer, objective, primal, kkt, credit)


def _starts(problem: ConstrainedProblem, starts: int) -> Iterator[Array]:
    """Yield x0, and for problems of moderate size points around it."""
    yield problem.x0
    rng = generator("referee", problem.n, problem.m)
    for number in range(1, starts if problem.n <= 1000 else 1):
        size = 0.01 * 10.0 ** (number - 1) * (1.0 + np.abs(problem.x0))
        away = problem.x0 + size * rng.standard_normal(problem.n)
        yield np.clip(away, problem.lower, problem.upper)


def _last(
    method: Implementation,
    problem: ConstrainedProblem,
    x0: Array,
    seconds: float,
    judge: ConstrainedJudge,
) -> Answer | None:
    """Return the last answer that a method gives in time; None where it gives none."""
    moved = problem.on("cpu")
    moved.x0 = x0
    end = monotonic() + seconds
    last: Any = None
    # What came before a failure may still be good; a refusal leaves nothing.
    with contextlib.suppress(Exception):
        answers = method.function(moved, generator("referee"), **method.parameters)
        for answer in answers:
            last = answer
            if monotonic() > end:
                break
        answers.close()  # type: ignore[attr-defined]
    try:
        return None if last is None else judge.accept(last)
    except TiltyardError:
        return None


def _best(problem: ConstrainedProblem, feasible: list[Candidate]) -> Polished:
    """Return the lowest of the polished candidates that stayed feasible.

    Those within a millionth of the lowest are polished in the order of their KKT residuals, until
    one is a KKT point. Where multipliers are large a small violation lowers f much.
    """
    lowest = min(one.objective + 3.0 * one.credit for one in feasible)
    near = [one for one in feasible if one.objective - lowest <= SAME * max(1.0, abs(lowest))]
    made: list[Polished] = []
    for one in sorted(near, key=lambda one: (one.kkt, one.start))[:6]:
        found = polish(problem.model, one.answer["x"], one.answer.get("y"))
        if abs(found.point.objective - one.objective) > _NEAR * max(1.0, abs(one.objective)):
            found = start(problem.model, one.answer["x"], one.answer.get("y"))
        made.append(found)
        if made[-1].residuals.kkt <= VERIFIED:
            break
    return min(made, key=lambda one: one.residuals.kkt)


def _sif(name: str) -> str:
    """Return the SIF name of a translated or native problem."""
    family, parameters = parse_name(name)
    return parameters.get("name", family.upper())


def _exact(name: str, problem: ConstrainedProblem) -> Polished | None:
    x = CLOSED_FORM.get(_sif(name), ((), ""))[0]
    return start(problem.model, np.array(x), None) if len(x) == problem.n else None


def _described(
    name: str, problem: ConstrainedProblem, feasible: list[Candidate], best: Polished
) -> Reference:
    point, residuals = best.point, best.residuals
    value = point.objective
    close = SAME * max(1.0, abs(value))
    agree = [
        s
        for s in SOLVERS
        if any(c.solver == s and abs(c.objective - value) <= close for c in feasible)
    ]
    verified = len(agree) >= 2 and residuals.kkt <= VERIFIED
    kind = "verified" if verified else "best known"
    kind = "closed form" if _sif(name) in CLOSED_FORM else kind
    return Reference(
        name=name,
        n=problem.n,
        m=problem.m,
        kind=kind if problem.has_objective else "definition",
        value=value,
        kkt=residuals.kkt,
        violation=point.violations[0],
        multiplier_sum=residuals.multiplier_sum,
        solvers=tuple(f"{solver} {_version(solver)}" for solver in agree),
        provenance=_provenance(name, problem, feasible, best),
        fingerprint=references.fingerprint(problem.model),
        x=point.x if problem.n <= STORED else None,
    )


def _provenance(
    name: str, problem: ConstrainedProblem, feasible: list[Candidate], best: Polished
) -> str:
    value = best.point.objective
    starts = {c.start for c in feasible}
    others = sorted(
        {
            f"{c.solver} {c.objective:.9g}"
            for c in feasible
            if c.objective - value > SAME * max(1.0, abs(value))
        }
    )
    count, date = len({c.solver for c in feasible}), datetime.now(UTC).date()
    parts = [f"best of {count} solvers from {len(starts)} starts, Newton-KKT polish, {date}"]
    if _sif(name) in CLOSED_FORM:
        parts = [f"closed form: {CLOSED_FORM[_sif(name)][1]}"]
    if not problem.has_objective:
        parts.append("f is zero: the point solves the system")
    if others:
        parts.append("other ends: " + ", ".join(others[:4]))
    stated = _stated(name)
    if stated is not None and abs(stated - value) > 1e-4 * max(1.0, abs(value)):
        parts.append(f"the SIF file states {stated:.10g}")
    return "; ".join(parts)


def _version(solver: str) -> str:
    for distribution in SOLVERS[solver]:
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "unknown"


def _stated(name: str) -> float | None:
    """Return the optimum that the SIF file states for its default size, where it states one."""
    from tiltyard.suites.constrained._s2mpj import file_name, sources

    try:
        path = sources() / "python_problems" / f"{file_name(_sif(name))}.py"
        text = path.read_text(encoding="utf-8", errors="replace")
    except (TiltyardError, OSError, ImportError):
        return None
    found = re.findall(r"SOLTN\s+([-+.\dDEde]+)\s*$", text, flags=re.MULTILINE)
    try:
        return float(re.sub("[Dd]", "e", found[0])) if found else None
    except ValueError:
        return None
