"""The dataset contract: named data with source, licence, checksum and a loader.

A dataset is *embedded* (a file beside its module), *bundled* (inside a dependency) or *fetched*
(a copy in a folder of the user's, else downloaded once to the user's cache). Whatever its kind, its
checksum is verified before any value is read, and its arrays are refused when they hold infinity or
text, or NaN where nothing may be missing.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from tiltyard import download
from tiltyard.download import checksum_of
from tiltyard.errors import PluginError, TiltyardError
from tiltyard.needs import missing as lacking

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
        checksum: the SHA-256 of the file (for a bundled dataset, of its arrays: see ``digest``),
            or the id of the file's blob in git.
        location: the embedded file's path, or the address a fetched file is downloaded from.
        missing: NaN in its arrays stands for a missing value.
        needs: modules the loader imports beyond the core, each with what ``pip install`` takes.
        filename: under which a fetched file is looked for in the user's folders.
    """

    name: str
    kind: Literal["embedded", "bundled", "fetched"]
    loader: Callable[..., Arrays]
    summary: str
    licence: str
    source: str
    checksum: str
    location: str
    module: str
    file: str
    missing: bool = False
    needs: Mapping[str, str] = field(default_factory=dict)
    filename: str = ""

    def load(self) -> Arrays:
        """Return the verified arrays, read-only.

        Raises:
            Unavailable: the file cannot be downloaded.
            TiltyardError: a module is missing, the file is missing, fails its checksum, or holds
                something other than finite numbers.
        """
        if reason := lacking(self.needs):
            raise TiltyardError(f"dataset {self.name} {reason}")
        if self.kind == "bundled":
            arrays = self.loader()
            _require_checksum(self.name, digest(arrays), self.checksum)
        else:
            path = self._path()
            _require_checksum(self.name, checksum_of(path, self.checksum), self.checksum)
            try:
                arrays = self.loader(path)
            except (ValueError, OSError) as error:
                raise TiltyardError(
                    f"dataset {self.name}: {path} cannot be read: {error}"
                ) from None
        for key, array in arrays.items():
            require_finite(f"dataset {self.name}, array {key}", array, missing=self.missing)
            array.setflags(write=False)
        return arrays

    def present(self) -> bool:
        """Tell whether loading needs no download and nothing installed."""
        return not self.absent()

    def absent(self) -> str:
        """Return why loading needs a download or a package, or the empty string.

        Raises:
            TiltyardError: a data folder does not exist.
        """
        if reason := lacking(self.needs):
            return reason
        if self.kind != "fetched" or self._cached().is_file():
            return ""
        candidates = download.copies(self.filename)
        if any(checksum_of(path, self.checksum) == self.checksum for path in candidates):
            return ""
        return f"not downloaded from {self.location}"

    def _path(self) -> Path:
        if self.kind == "fetched":
            return self._fetch()
        path = Path(self.location)
        if not path.is_file():
            raise TiltyardError(f"dataset {self.name}: its file {path} is missing")
        return path

    def _cached(self) -> Path:
        from tiltyard.paths import cache_dir

        return cache_dir("datasets") / f"{self.name}-{self.checksum[:12]}"

    def _fetch(self) -> Path:
        target, what = self._cached(), f"dataset {self.name}"
        if target.is_file() and checksum_of(target, self.checksum) == self.checksum:
            return target
        if found := download.local_copy(what, self.filename, self.checksum):
            return found
        download.announce(
            f"{what}: downloading {self.location}",
            f"{what}: licence: {self.licence}; source: {self.source}",
        )
        download.download(what, self.location, self.checksum, target)
        return target


def dataset(  # noqa: PLR0913 - each argument is one line of a dataset's declaration
    *,
    licence: str,
    source: str,
    sha256: str = "",
    blob: str = "",
    path: str = "",
    url: str = "",
    filename: str = "",
    missing: bool = False,
    needs: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Arrays]], Dataset]:
    """Declare a loader as a dataset: embedded with ``path``, fetched with ``url``, else bundled.

    Args:
        licence: an SPDX identifier, or the words of the licence.
        source: citation or address of the origin.
        sha256: of the file; for a bundled dataset, of its arrays (see ``digest``).
        blob: instead of it, the id that git gives the file, for one whose address names a commit.
        path: the embedded file, relative to the module that declares it.
        url: where a fetched file is downloaded from.
        filename: of a user's copy of a fetched file; the address ends in it where it is not given.
        missing: NaN in the arrays stands for a missing value.
        needs: modules the loader imports beyond the core, each with what ``pip install`` takes.

    Raises:
        PluginError: both ``path`` and ``url`` are given, or the checksum is not one.
    """

    def declare(loader: Callable[..., Arrays]) -> Dataset:
        name = loader.__name__.replace("_", "-")
        if path and url:
            raise PluginError(f"dataset {name}: give path or url, not both")
        if not _is_hexadecimal(sha256, 64) and not (_is_hexadecimal(blob, 40) and not sha256):
            which = "blob is not 40" if blob and not sha256 else "sha256 is not 64"
            raise PluginError(f"dataset {name}: {which} lower-case hexadecimal digits")
        file = inspect.getsourcefile(loader) or ""
        return Dataset(
            name=name,
            kind="embedded" if path else "fetched" if url else "bundled",
            loader=loader,
            summary=(inspect.getdoc(loader) or "").partition("\n")[0],
            licence=licence,
            source=source,
            checksum=sha256 or blob,
            location=str(Path(file).parent / path) if path else url,
            module=loader.__module__,
            file=file,
            missing=missing,
            needs=dict(needs or {}),
            filename=filename or PurePosixPath(url).name,
        )

    return declare


def digest(arrays: Arrays) -> str:
    """Return the SHA-256 of arrays: each name, dtype, shape and bytes, in the order of names."""
    total = hashlib.sha256()
    for key in sorted(arrays):
        array = arrays[key]
        total.update(f"{key} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def require_finite(what: str, array: Any, *, missing: bool = False) -> None:
    """Refuse anything but a non-empty array of finite numbers, or NaN where some may be missing.

    Raises:
        TiltyardError: names ``what`` and the first offending entry.
    """
    import numpy as np

    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        kind = getattr(array, "dtype", type(array).__name__)
        raise TiltyardError(f"{what}: expected numbers, found {kind}")
    if array.size == 0:
        raise TiltyardError(f"{what}: is empty")
    bad = np.argwhere(np.isinf(array) if missing else ~np.isfinite(array))
    if len(bad):  # not bad.size, which is 0 for a scalar's empty index
        where = ", ".join(str(int(i)) for i in bad[0])
        raise TiltyardError(f"{what}: {array[tuple(bad[0])]} at index ({where})")


def _is_hexadecimal(text: str, digits: int) -> bool:
    return len(text) == digits and set(text) <= set("0123456789abcdef")


def _require_checksum(name: str, found: str, expected: str) -> None:
    if found != expected:
        raise TiltyardError(
            f"dataset {name}: checksum {found[:12]} differs from the declared {expected[:12]}; "
            "the file is truncated, altered or of another version"
        )
