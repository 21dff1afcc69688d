"""The reference of one problem: a near-optimal point with a certificate, cached on disk.

A cached file is never believed. Whatever it holds, its point is evaluated and its dual point
repaired and evaluated on the problem's own data; where they do not close the gap, or the file is
not what it should be, the reference is computed again.
"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.paths import cache_dir
from tiltyard.suites.cvar._risk import Instance
from tiltyard.suites.cvar._solver import solve
from tiltyard.suites.cvar.certificate import Bracket, Dual

ACCEPTED_GAP = 1e-8
FORMAT = 1


@dataclass(frozen=True)
class Reference:
    """A certified bracket of a problem's optimal value, and where it comes from.

    Attributes:
        w: (d,) float64, the best point known.
        value: its objective, an upper bound of the optimal value.
        lower_bound: a lower bound of the optimal value.
        relative_gap: (value - lower_bound) / |value|.
        solver: name and version.
        date: when it was solved, ISO 8601 in UTC.
    """

    w: np.ndarray
    value: float
    lower_bound: float
    relative_gap: float
    solver: str
    date: str


def reference(instance: Instance) -> Reference:
    """Return the reference of a problem, from the cache where its certificate still closes.

    Raises:
        TiltyardError: no certificate with a relative gap of 1e-8 was reached.
    """
    path = cache_dir("references") / f"cvar-{_key(instance)}.npz"
    cached = _load(path, instance)
    if cached is not None:
        return cached
    bracket = solve(instance)
    if not bracket.gap <= ACCEPTED_GAP:
        raise TiltyardError(
            f"no reference: the relative duality gap reached is {bracket.gap:.1e}, "
            f"and {ACCEPTED_GAP:.0e} is needed"
        )
    solver = f"clarabel {version('clarabel')} with active-set polish"
    found = _reference(bracket, solver, datetime.now(UTC).isoformat(timespec="seconds"))
    _save(path, bracket, found)
    return found


def _reference(bracket: Bracket, solver: str, date: str) -> Reference:
    return Reference(
        w=bracket.w,
        value=bracket.upper,
        lower_bound=bracket.lower,
        relative_gap=bracket.gap,
        solver=solver,
        date=date,
    )


def _key(instance: Instance) -> str:
    """Return a digest of all that defines the problem."""
    total = hashlib.sha256()
    scalars = (
        FORMAT,
        instance.loss,
        instance.domain,
        *(x.hex() for x in map(float, (instance.beta, instance.mu, instance.over, instance.under))),
    )
    total.update(repr(scalars).encode())
    for array in (instance.A, instance.y, instance.p):
        total.update(repr(array.shape).encode())
        total.update(np.ascontiguousarray(array, dtype="<f8").data)
    return total.hexdigest()[:32]


def _save(path: Path, bracket: Bracket, found: Reference) -> None:
    """Write the reference so that a reader sees all of it or nothing."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
        try:
            np.savez_compressed(
                file,
                w=bracket.w,
                rows=bracket.dual.rows,
                q=bracket.dual.q,
                t=bracket.dual.t,
                upper=bracket.upper,
                lower=bracket.lower,
                gap=bracket.gap,
                solver=found.solver,
                date=found.date,
            )
            file.close()
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _load(path: Path, instance: Instance) -> Reference | None:
    """Return what a cached file proves on the problem's data; None where that is too little."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            w, q, t = (np.asarray(file[key], dtype=np.float64) for key in ("w", "q", "t"))
            rows = np.asarray(file["rows"], dtype=np.intp)
            solver, date = str(file["solver"]), str(file["date"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
    n, d = instance.A.shape
    if w.shape != (d,) or not np.isfinite(w).all() or not _is_dual(rows, q, t, n):
        return None
    if instance.domain == "simplex" and (w.min() < 0 or abs(w.sum() - 1.0) > 1e-12):
        return None
    bracket = Bracket(instance)
    bracket.offer(w)
    bracket.offer_dual(Dual(rows, q, t))
    return _reference(bracket, solver, date) if bracket.gap <= ACCEPTED_GAP else None


def _is_dual(rows: np.ndarray, q: np.ndarray, t: np.ndarray, n: int) -> bool:
    """Tell whether the arrays are a dual point of n scenarios, feasible or not."""
    return (
        rows.ndim == 1
        and rows.shape == q.shape == t.shape
        and rows.size > 0
        and bool((rows >= 0).all() and (rows < n).all() and (np.diff(rows) > 0).all())
    )
