"""Where a history lives: the git repository, asv's configuration, its results folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiltyard.errors import TiltyardError
from tiltyard.git import Repository
from tiltyard.run.environment import environment, hardware_id

if TYPE_CHECKING:
    from asv.config import Config

CONFIG = "asv.conf.json"

FIELDS = ("os", "arch", "cpu", "num_cpu", "ram")
"""What asv calls a machine, besides its name."""


@dataclass(frozen=True, slots=True)
class Project:
    """A repository with its asv configuration.

    Attributes:
        repository: whose commits the history is of.
        folder: that of ``asv.conf.json``; paths in it are relative to this one.
        config: asv's.
        results: the folder of asv's results.
    """

    repository: Repository
    folder: Path
    config: Config
    results: Path


def open_project(start: Path) -> Project:
    """Return the project of a folder; ``asv.conf.json`` is in it or in one above, up to the root.

    Raises:
        TiltyardError: no git repository, no configuration, or asv cannot read it.
    """
    repository = Repository(start)
    above = [folder for folder in (start, *start.parents) if folder.is_relative_to(repository.root)]
    folder = next((one for one in above if (one / CONFIG).is_file()), None)
    if folder is None:
        raise TiltyardError(
            f"no {CONFIG} in {start} or above it; 'tiltyard new history' writes one"
        )
    from asv.config import Config

    with reading(folder / CONFIG, "configuration"):
        config = Config.load(str(folder / CONFIG))
    return Project(repository, folder, config, folder / config.results_dir)


@contextlib.contextmanager
def asv_errors() -> Iterator[None]:
    """Turn asv's complaints about files into one line."""
    from asv.util import UserError

    try:
        yield
    except UserError as error:
        raise TiltyardError(f"asv: {error}") from None
    except OSError as error:
        raise TiltyardError(f"cannot use {error.filename}: {error.strerror}") from None


@contextlib.contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn what a damaged file brings about into one line."""
    with asv_errors():
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise TiltyardError(f"{path} is no {what} of asv: {error!r}") from None


def machine(project: Project, name: str | None) -> dict[str, str]:
    """Return what asv is told of this machine, the same words every time.

    A machine whose file is in the results keeps the words of that file, so that an upgraded kernel
    or another unit for the memory splits no graph.

    Args:
        project: whose results may know the machine.
        name: the machine's name; None makes one of its hardware, the same after every start and in
            every container.

    Raises:
        TiltyardError: the results know another machine by this name.
    """
    here = _fields()
    name = name or _name(here["cpu"])
    if not re.fullmatch(r"[\w.+-]+", name) or name.startswith("."):
        raise TiltyardError(
            f"{name!r} cannot name a machine: letters, digits and . _ + - make a folder's name"
        )
    path = project.results / name / "machine.json"
    if not path.exists():
        return {"machine": name, **here}
    from asv import util
    from asv.machine import Machine

    with reading(path, "description of a machine"):
        known: dict[str, Any] = dict(util.load_json(str(path), Machine.api_version))
    for field in ("arch", "cpu", "num_cpu"):
        if str(known.get(field, here[field])) != here[field]:
            raise TiltyardError(
                f"{path} describes another machine of that name ({field} {known[field]!r}, "
                f"here {here[field]!r}); give this one a name of its own with --machine"
            )
    # `asv machine --yes --machine NAME` writes the name alone; a word more would split graphs.
    return {"machine": name, **{field: str(known[field]) for field in FIELDS if field in known}}


def _fields() -> dict[str, str]:
    values = environment()
    return {
        "os": platform.system(),
        "arch": values["machine"],
        "cpu": values["cpu"],
        "num_cpu": str(values["cores"]),
        "ram": f"{values['ram_gib']} GiB",
    }


def _name(cpu: str) -> str:
    """Return a name that the same hardware always gets."""
    words = re.sub(r"\((r|tm)\)|\bprocessor\b|\bcpu\b|@.*", "", cpu, flags=re.IGNORECASE)
    slug = "-".join(re.findall(r"[a-z0-9]+", words.lower())) or "machine"
    return f"{slug[:40].strip('-')}-{hardware_id(environment())[:6]}"


@contextlib.contextmanager
def exclusive(results: Path) -> Iterator[None]:
    """Hold the results folder against other writers; a second one waits.

    Raises:
        TiltyardError: the folder cannot be made or written.
    """
    with asv_errors():
        results.mkdir(parents=True, exist_ok=True)
        handle = os.open(results / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def staged(results: Path) -> Iterator[Path]:
    """Yield a folder for asv to write into; its files replace the results' all at once at the end.

    asv writes in place, so that a kill or a full disk would leave half a file behind.
    """
    with asv_errors(), tempfile.TemporaryDirectory(prefix=".new-", dir=results) as folder:
        yield Path(folder)
        for path in sorted(Path(folder).rglob("*.json")):
            target = results / path.relative_to(folder)
            target.parent.mkdir(exist_ok=True)
            path.replace(target)
