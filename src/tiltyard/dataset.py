"""The dataset contract: named data with source, licence, checksum and a loader.

A dataset is *embedded* (a file beside its module), *bundled* (inside a dependency) or *fetched*
(downloaded once to the user's cache). Whatever its kind, its checksum is verified before any value
is read, and its arrays are refused when they hold NaN, infinity or text.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tiltyard.errors import PluginError, TiltyardError

Arrays = Mapping[str, Any]
"""Array names to NumPy arrays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Named data, as the registry finds it.

    Attributes:
        name: the function's name, underscores as hyphens.
        kind: where its bytes come from.
        loader: turns the verified file into arrays; a bundled dataset's loader takes no argument.
        licence: an SPDX identifier, or the words of the licence.
        source: citation or address of the origin.
        sha256: of the file; for a bundled dataset, of its arrays (see ``digest``).
        location: the embedded file's path, or the address a fetched file is downloaded from.
    """

    name: str
    kind: Literal["embedded", "bundled", "fetched"]
    loader: Callable[..., Arrays]
    summary: str
    licence: str
    source: str
    sha256: str
    location: str
    module: str
    file: str

    def load(self) -> Arrays:
        """Return the verified arrays, read-only.

        Raises:
            TiltyardError: the file is missing, cannot be downloaded, fails its checksum, or holds
                something other than finite numbers.
        """
        if self.kind == "bundled":
            arrays = self.loader()
            _require_checksum(self.name, digest(arrays), self.sha256)
        else:
            path = self._path()
            _require_checksum(self.name, file_sha256(path), self.sha256)
            try:
                arrays = self.loader(path)
            except (ValueError, OSError) as error:
                raise TiltyardError(
                    f"dataset {self.name}: {path} cannot be read: {error}"
                ) from None
        for key, array in arrays.items():
            require_finite(f"dataset {self.name}, array {key}", array)
            array.setflags(write=False)
        return arrays

    def present(self) -> bool:
        """Tell whether loading needs no download."""
        return self.kind != "fetched" or self._cached().is_file()

    def _path(self) -> Path:
        if self.kind == "fetched":
            return self._fetch()
        path = Path(self.location)
        if not path.is_file():
            raise TiltyardError(f"dataset {self.name}: its file {path} is missing")
        return path

    def _cached(self) -> Path:
        from tiltyard.paths import cache_dir

        return cache_dir("datasets") / f"{self.name}-{self.sha256[:12]}"

    def _fetch(self) -> Path:
        import pooch

        target = self._cached()
        try:
            pooch.retrieve(self.location, f"sha256:{self.sha256}", target.name, target.parent)
        except ValueError:
            raise TiltyardError(
                f"dataset {self.name}: what {self.location} sent fails its checksum {self.sha256}"
            ) from None
        except OSError as error:
            raise TiltyardError(
                f"dataset {self.name}: cannot download {self.location}: {error}"
            ) from None
        return target


def dataset(
    *,
    licence: str,
    source: str,
    sha256: str,
    path: str = "",
    url: str = "",
) -> Callable[[Callable[..., Arrays]], Dataset]:
    """Declare a loader as a dataset: embedded with ``path``, fetched with ``url``, else bundled.

    Args:
        licence: an SPDX identifier, or the words of the licence.
        source: citation or address of the origin.
        sha256: of the file; for a bundled dataset, of its arrays (see ``digest``).
        path: the embedded file, relative to the module that declares it.
        url: where a fetched file is downloaded from.

    Raises:
        PluginError: both ``path`` and ``url`` are given, or the checksum is not a SHA-256.
    """

    def declare(loader: Callable[..., Arrays]) -> Dataset:
        name = loader.__name__.replace("_", "-")
        if path and url:
            raise PluginError(f"dataset {name}: give path or url, not both")
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise PluginError(f"dataset {name}: sha256 is not 64 lower-case hexadecimal digits")
        file = inspect.getsourcefile(loader) or ""
        return Dataset(
            name=name,
            kind="embedded" if path else "fetched" if url else "bundled",
            loader=loader,
            summary=(inspect.getdoc(loader) or "").partition("\n")[0],
            licence=licence,
            source=source,
            sha256=sha256,
            location=str(Path(file).parent / path) if path else url,
            module=loader.__module__,
            file=file,
        )

    return declare


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(arrays: Arrays) -> str:
    """Return the SHA-256 of arrays: each name, dtype, shape and bytes, in the order of names."""
    total = hashlib.sha256()
    for key in sorted(arrays):
        array = arrays[key]
        total.update(f"{key} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def require_finite(what: str, array: Any) -> None:
    """Refuse anything but a non-empty array of finite numbers.

    Raises:
        TiltyardError: names ``what`` and the first offending entry.
    """
    import numpy as np

    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        kind = getattr(array, "dtype", type(array).__name__)
        raise TiltyardError(f"{what}: expected numbers, found {kind}")
    if array.size == 0:
        raise TiltyardError(f"{what}: is empty")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):  # not bad.size, which is 0 for a scalar's empty index
        where = ", ".join(str(int(i)) for i in bad[0])
        raise TiltyardError(f"{what}: {array[tuple(bad[0])]} at index ({where})")


def _require_checksum(name: str, found: str, expected: str) -> None:
    if found != expected:
        raise TiltyardError(
            f"dataset {name}: checksum {found[:12]} differs from the declared {expected[:12]}; "
            "the file is truncated, altered or of another version"
        )
