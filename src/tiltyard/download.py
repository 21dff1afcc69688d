"""Files of fetched datasets: the user's own copies, and downloads."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tiltyard.errors import TiltyardError

DATA_VARIABLE = "TILTYARD_DATA"


class Unavailable(TiltyardError):
    """A dataset's file is neither here nor can it be downloaded."""


def data_folders() -> tuple[Path, ...]:
    """Return the user's folders with copies of data, which ``TILTYARD_DATA`` names as PATH does.

    Raises:
        TiltyardError: one of them does not exist.
    """
    named = os.environ.get(DATA_VARIABLE, "")
    folders = tuple(Path(entry) for entry in named.split(os.pathsep) if entry)
    for folder in folders:
        if not folder.is_dir():
            raise TiltyardError(f"data folder {folder} does not exist")
    return folders


def copies(file_name: str) -> Iterator[Path]:
    """Yield the files of that name anywhere below the user's folders, in the order of paths.

    A name may begin with the folders that the file lies in: ``ett1/H/data.arrow``.
    """
    last = PurePosixPath(file_name).name
    for folder in data_folders():
        for inside, below, files in os.walk(folder):
            below.sort()
            path = Path(inside) / last
            if last in files and path.as_posix().endswith(f"/{file_name}"):
                yield path


def local_copy(what: str, file_name: str, checksum: str) -> Path | None:
    """Return the user's copy of a file that has the checksum, or None where no file has its name.

    Raises:
        TiltyardError: every file of that name has another checksum.
    """
    others = []
    for path in copies(file_name):
        found = checksum_of(path, checksum)
        if found == checksum:
            return path
        others.append(f"{path} has checksum {found[:12]} instead of {checksum[:12]}")
    if others:
        raise TiltyardError(
            f"{what}: {others[0]}; it is truncated, altered or of another version: replace it, or "
            "move it out of the data folder to have the file downloaded"
        )
    return None


def download(what: str, url: str, checksum: str, target: Path) -> None:
    """Download a file, and keep it if it has the checksum.

    Raises:
        TiltyardError: it has another one.
        Unavailable: the address cannot be reached or refuses.
    """
    import pooch

    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        part = Path(folder) / target.name
        try:
            pooch.HTTPDownloader()(url, str(part), None)
        except OSError as error:
            raise Unavailable(
                f"{what}: cannot download {url}: {_said(error)}; a copy in a folder that "
                f"--data-dir or {DATA_VARIABLE} names will do"
            ) from None
        if checksum_of(part, checksum) != checksum:
            raise TiltyardError(f"{what}: what {url} sent fails its checksum {checksum}")
        part.replace(target)


def _said(error: OSError) -> str:
    """Return the words of the innermost error; requests wraps it in two more."""
    inner = getattr(error.args[0], "reason", None) if error.args else None
    words = str(inner or error)
    return words.partition("): ")[2] or words


def announce(*lines: str) -> None:
    """Tell the user on standard error, which keeps results on standard output clean."""
    for line in lines:
        sys.stderr.write(f"tiltyard: {line}\n")


def checksum_of(path: Path, like: str) -> str:
    """Return a file's SHA-256, or its git blob id where ``like`` is one, of 40 digits."""
    return file_sha256(path) if len(like) == 64 else _blob_id(path)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _blob_id(path: Path) -> str:
    total = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()
