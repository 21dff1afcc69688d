"""References of the lipschitz suite: the largest values known, at which points, and exact values.

An entry is found by a hash of all that defines the problem, and never by its name. The value at
every point is computed anew; an exact value counts where the point attains it. The entries are
written by ``python -m tiltyard.suites.lipschitz._referee``.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError
from tiltyard.suites.lipschitz.layers import Array
from tiltyard.suites.lipschitz.problem import LipschitzProblem

FILE = Path(__file__).with_name("references.npz")
SAME = 1e-6
"""How closely, relative to the exact value, a point must attain it."""

FLOOR = 1e-12
"""What a value may be off by rounding, relative to the product of the layers' norms."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the file holds of one problem, of k regions with c values each.

    Attributes:
        name: canonical name of the problem it was computed for.
        lower: (k, c) values at the points.
        exact: (k, c) exact values, NaN where none was proved.
        witness: (k, c, n) the points, float32.
        how: who found it and how, in words.
    """

    name: str
    lower: Array
    exact: Array
    witness: NDArray[np.float32]
    how: str


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the judge knows of a problem.

    Attributes:
        lower: (k, c) values at the witnesses, recomputed in float64.
        exact: (k, c) exact values, NaN where unknown.
        witness: (k, c, n) points of the regions.
        floor: what rounding can amount to.
        shipped: whether the suite's file has an entry of it.
        how: where it comes from, in words.
    """

    lower: Array
    exact: Array
    witness: Array
    floor: float
    shipped: bool
    how: str

    @property
    def best(self) -> Array:
        """(k, c) exact values where known, else the largest known ones."""
        return np.where(np.isnan(self.exact), self.lower, self.exact)


def digest(problem: LipschitzProblem) -> str:
    """Return a hash of the network, the norm, the regions and the features."""
    sha = hashlib.sha256()
    for part in (
        problem.network.layers,
        problem.norm,
        problem.region,
        problem.centers,
        problem.radius,
        problem.clip,
        problem.features,
        problem.tokens,
    ):
        _feed(sha, part)
    return sha.hexdigest()[:32]


def _feed(sha: Any, part: object) -> None:
    if isinstance(part, np.ndarray):
        sha.update(f"{part.shape}{part.dtype}".encode())
        sha.update(np.ascontiguousarray(part).tobytes())
    elif isinstance(part, tuple):
        sha.update(f"({len(part)}".encode())
        for item in part:
            _feed(sha, item)
    elif is_dataclass(part):
        sha.update(type(part).__name__.encode())
        for field in fields(part):
            _feed(sha, getattr(part, field.name))
    else:
        sha.update(f"{part!r};".encode())


def known(problem: LipschitzProblem, path: Path | None = None) -> Known:
    """Return the shipped reference of a problem, else what a short search finds.

    Raises:
        TiltyardError: the file is damaged, or an entry does not stand.
    """
    return _known(_Keyed(digest(problem), problem), path or FILE)


def floor(problem: LipschitzProblem) -> float:
    """Return what rounding can amount to."""
    from tiltyard.suites.lipschitz._values import scale

    return FLOOR * scale(problem.network.layers)


class _Keyed:
    """A problem that compares by its hash."""

    def __init__(self, key: str, problem: LipschitzProblem) -> None:
        self.key, self.problem = key, problem

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=64)
def _known(keyed: _Keyed, path: Path) -> Known:
    from tiltyard.suites.lipschitz._lower import lower_bounds

    problem = keyed.problem
    entry = read(keyed.key, path)
    if entry is not None:
        return checked(entry, problem, floor(problem))
    lower, witness = lower_bounds(problem, int(keyed.key[:8], 16))
    return Known(
        lower=lower,
        exact=np.full(lower.shape, np.nan),
        witness=witness,
        floor=floor(problem),
        shipped=False,
        how="the judge's own short search",
    )


def checked(entry: Entry, problem: LipschitzProblem, rounding: float) -> Known:
    """Return an entry with its values computed anew.

    Raises:
        TiltyardError: shapes, a point or a value are not what they should be.
    """
    from tiltyard.suites.lipschitz._regions import Regions
    from tiltyard.suites.lipschitz._values import Values

    values, regions = Values(problem), Regions(problem)
    shape = (problem.regions, values.parts)
    n = problem.network.inputs
    fits = entry.lower.shape == entry.exact.shape == shape and entry.witness.shape == (*shape, n)
    if not fits:
        raise _damaged(f"the shapes of {entry.name} do not fit its problem")
    points = entry.witness.reshape(-1, n).astype(np.float64)
    owner = np.repeat(np.arange(shape[0]), shape[1])
    if not (np.isfinite(points).all() and np.isfinite(entry.lower).all()):
        raise _damaged(f"a point or value of {entry.name} is not finite")
    # Rounding to float32 may move a point out of its region.
    points = regions.project(points, owner)
    every, where = values.attained(points, owner)
    part = np.tile(np.arange(shape[1]), shape[0])
    rows = np.arange(len(owner))
    lower = every[rows, part].reshape(shape)
    slack = SAME * np.abs(entry.lower) + rounding
    wrong = ~(np.abs(lower - entry.lower) <= slack)
    exact_wrong = np.abs(lower - entry.exact) > SAME * np.abs(entry.exact) + rounding
    for bad, said in ((wrong, entry.lower), (exact_wrong, entry.exact)):
        if bad.any():
            region, _ = at = tuple(np.argwhere(bad)[0])
            raise _damaged(
                f"{entry.name}, region {region}, says {said[at]:.9g}, its point {lower[at]:.9g}"
            )
    return Known(
        lower=lower,
        exact=entry.exact,
        witness=where[rows, part].reshape(*shape, n),
        floor=rounding,
        shipped=True,
        how=entry.how,
    )


def read(key: str, path: Path) -> Entry | None:
    """Return the entry of that hash; None where there is none.

    Raises:
        TiltyardError: the file is damaged.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            index = json.loads(str(file["index"]))
            if key not in index:
                return None
            arrays = {name: file[f"{key}.{name}"] for name in ("lower", "exact", "witness")}
            told = index[key]
            return Entry(name=str(told["name"]), how=str(told["how"]), **arrays)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise _damaged(f"{path} cannot be read ({type(error).__name__}: {error})") from None


def load(path: Path = FILE) -> dict[str, Entry]:
    """Return every entry of a file by its hash.

    Raises:
        TiltyardError: the file is damaged.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            keys = sorted(json.loads(str(file["index"])))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise _damaged(f"{path} cannot be read ({type(error).__name__}: {error})") from None
    return {key: entry for key in keys if (entry := read(key, path)) is not None}


def save(entries: dict[str, Entry], path: Path = FILE) -> None:
    """Write entries, sorted by hash, so that a reader sees all of them or the old ones."""
    index = {key: {"name": entries[key].name, "how": entries[key].how} for key in sorted(entries)}
    arrays: dict[str, Any] = {"index": np.array(json.dumps(index))}
    for key in sorted(entries):
        entry = entries[key]
        arrays[f"{key}.lower"] = entry.lower
        arrays[f"{key}.exact"] = entry.exact
        arrays[f"{key}.witness"] = entry.witness
    fresh = path.with_suffix(".tmp.npz")
    np.savez_compressed(fresh, **arrays)
    fresh.replace(path)


def _damaged(what: str) -> TiltyardError:
    return TiltyardError(f"references of lipschitz: {what}; install the package anew")
