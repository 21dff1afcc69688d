"""Finds the plug-ins: the built-in folders, the user's own folders, entry points of packages.

One rule serves all three: import every module, keep the contract objects that it defines. A module
that fails to import, or a name that is already taken, is listed as broken with the reason.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tiltyard.claim import Claim
from tiltyard.dataset import Dataset
from tiltyard.download import file_sha256
from tiltyard.errors import TiltyardError, describe, unknown
from tiltyard.family import ProblemFamily
from tiltyard.implementation import Implementation
from tiltyard.names import Value, parse_name
from tiltyard.suite import Problem, Suite

BUILT_IN = ("tiltyard.suites", "tiltyard.implementations", "tiltyard.datasets")
ENTRY_POINTS = "tiltyard.plugins"
USER_FOLDER = "tiltyard_plugins"
PLUGINS_VARIABLE = "TILTYARD_PLUGINS"

Plugin = Suite | ProblemFamily | Claim | Implementation | Dataset


@dataclass(frozen=True, slots=True)
class Broken:
    """A plug-in that cannot be used: where it is, and why."""

    source: str
    reason: str


@dataclass(slots=True)
class Registry:
    """Every plug-in by its key.

    Attributes:
        suites: by name.
        datasets: by name.
        families: by (suite, name).
        implementations: by (suite, name).
        claims: by (suite, name).
        broken: what could not be used.
        folders: the user's folders that were searched.
    """

    suites: dict[str, Suite] = field(default_factory=dict)
    datasets: dict[str, Dataset] = field(default_factory=dict)
    families: dict[tuple[str, str], ProblemFamily] = field(default_factory=dict)
    implementations: dict[tuple[str, str], Implementation] = field(default_factory=dict)
    claims: dict[tuple[str, str], Claim] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    folders: tuple[Path, ...] = ()

    def suite(self, name: str) -> Suite:
        """Return the suite of that name."""
        if name not in self.suites:
            raise unknown("suite", name, self.suites)
        return self.suites[name]

    def family(self, suite: str, name: str) -> ProblemFamily:
        """Return the suite's problem family of that name."""
        if (suite, name) not in self.families:
            raise unknown("problem", name, (family.name for family in self.families_of(suite)))
        return self.families[suite, name]

    def implementation(self, suite: str, name: str) -> Implementation:
        """Return the suite's implementation of that name."""
        if (suite, name) not in self.implementations:
            raise unknown(
                "implementation", name, (method.name for method in self.methods_of(suite))
            )
        return self.implementations[suite, name]

    def dataset(self, name: str) -> Dataset:
        """Return the dataset of that name."""
        if name not in self.datasets:
            raise unknown("dataset", name, self.datasets)
        return self.datasets[name]

    def families_of(self, suite: str) -> list[ProblemFamily]:
        """Return the suite's problem families in the order of their names."""
        return [family for (owner, _), family in sorted(self.families.items()) if owner == suite]

    def methods_of(self, suite: str) -> list[Implementation]:
        """Return the suite's implementations in the order of their names."""
        return [m for (owner, _), m in sorted(self.implementations.items()) if owner == suite]

    def claims_of(self, suite: str) -> list[Claim]:
        """Return the suite's claims in the order of their names."""
        return [claim for (owner, _), claim in sorted(self.claims.items()) if owner == suite]

    def canonical(self, suite: str, name: str) -> str:
        """Return a problem's canonical name, every parameter spelled."""
        family, parameters = parse_name(name)
        return self.family(suite, family).spell(parameters)

    def track(self, suite: str, name: str) -> str:
        """Return a problem's track; empty if the suite has none, or the problem is not known."""
        if not self.suite(suite).tracks:
            return ""
        try:
            family, parameters = parse_name(name)
            return self.family(suite, family).track_of(parameters)
        except TiltyardError:
            return ""

    def data_of(self, suite: str, name: str) -> dict[str, str]:
        """Return the SHA-256 of every dataset and user's file that the problem is built from.

        Raises:
            TiltyardError: a file is missing.
        """
        family_name, spelled = parse_name(name)
        family = self.family(suite, family_name)
        parameters = family.complete(spelled)
        data = {key: self.dataset(key).checksum for key in family.datasets_of(parameters)}
        for key in family.files:
            path = Path(str(parameters[key]))
            if not path.is_file():
                raise TiltyardError(f"problem {family_name}: {key}={path} is not a file")
            data[key] = file_sha256(path)
        return data

    def build(self, suite: str, name: str) -> Problem:
        """Build the problem of that name; the same name gives the same problem everywhere.

        Raises:
            TiltyardError: this machine lacks a package that the family needs.
        """
        family_name, spelled = parse_name(name)
        family = self.family(suite, family_name)
        if reason := family.missing():
            raise TiltyardError(f"problem {family_name} {reason}")
        parameters = family.complete(spelled)
        rng = generator(suite, family.name, parameters.get("instance", 0))
        datasets = [self.dataset(key).load() for key in family.datasets_of(parameters)]
        return family.build(rng, *datasets, **parameters)

    def add(self, plugin: Plugin, file: str) -> None:
        """Take a plug-in in, unless another one has its name."""
        table, key = self._slot(plugin)
        if key not in table:
            table[key] = plugin
        elif table[key].module != plugin.module:
            first = table[key].module
            name = key if isinstance(key, str) else " ".join(key)
            kind = type(plugin).__name__.lower()
            self.broken.append(Broken(file, f"{kind} {name} is already registered by {first}"))

    def _slot(self, plugin: Plugin) -> tuple[dict[Any, Any], Any]:
        match plugin:
            case Suite():
                return self.suites, plugin.name
            case Dataset():
                return self.datasets, plugin.name
            case ProblemFamily():
                return self.families, (plugin.suite, plugin.name)
            case Claim():
                return self.claims, (plugin.suite, plugin.name)
            case Implementation():
                return self.implementations, (plugin.suite, plugin.name)


def generator(*names: Value) -> np.random.Generator:
    """Return a random generator derived from names alone, never from the order of runs."""
    key = "\x1f".join(str(name) for name in names).encode()
    words = np.frombuffer(hashlib.sha256(key).digest(), np.uint8)
    return np.random.default_rng(words.astype(np.uint32))  # as a list of them, but faster


def user_folders() -> tuple[Path, ...]:
    """Return the user's plug-in folders: ``TILTYARD_PLUGINS``, else ``./tiltyard_plugins``.

    Raises:
        TiltyardError: a folder named in ``TILTYARD_PLUGINS`` does not exist.
    """
    named = os.environ.get(PLUGINS_VARIABLE)
    if named is None:
        here = Path(USER_FOLDER)
        return (here.resolve(),) if here.is_dir() else ()
    folders = tuple(Path(entry).resolve() for entry in named.split(os.pathsep) if entry)
    for folder in folders:
        if not folder.is_dir():
            raise TiltyardError(f"plug-in folder {folder} does not exist")
    return folders


def registry() -> Registry:
    """Return every plug-in that can be found from here, imported once a process."""
    return discover(user_folders())


@cache
def discover(folders: tuple[Path, ...]) -> Registry:
    """Return the built-in plug-ins, those of installed packages and those in the folders."""
    found = Registry(folders=folders)
    for package in BUILT_IN:
        for name in _modules_of(package):
            _collect(found, name, lambda name=name: importlib.import_module(name))
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        _collect(found, entry.value, entry.load)
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            if not path.name.startswith("_"):
                _collect(found, str(path), lambda path=path: _import_file(path))
    _check_owners(found)
    return found


def _modules_of(package: str) -> Iterator[str]:
    """Yield the dotted names of a package's modules without importing any but packages."""
    spec = importlib.util.find_spec(package)
    for entry in pkgutil.iter_modules(spec.submodule_search_locations if spec else None):
        name = f"{package}.{entry.name}"
        if entry.name.startswith("_"):
            continue
        yield name
        if entry.ispkg:
            yield from _modules_of(name)


def _import_file(path: Path) -> ModuleType:
    """Import a user's file under a name of its own, so that no two files collide."""
    name = f"tiltyard_user_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _collect(found: Registry, source: str, load: Any) -> None:
    try:
        module = load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a plug-in may even call sys.exit
        found.broken.append(Broken(source, _one_line(error)))
        return
    for value in list(vars(module).values()):
        for plugin in value if isinstance(value, list | tuple) else (value,):
            if isinstance(plugin, Plugin) and plugin.module == module.__name__:
                found.add(plugin, getattr(module, "__file__", None) or source)


def _one_line(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"syntax error in line {error.lineno}: {error.msg}"
    return " ".join(str(error).split()) if isinstance(error, TiltyardError) else describe(error)


def _check_owners(found: Registry) -> None:
    """Move plug-ins that no suite has a place for to the broken ones."""
    tables: tuple[dict[Any, Any], ...] = (found.families, found.implementations, found.claims)
    for table in tables:
        for key, plugin in list(table.items()):
            if (owner := found.suites.get(key[0])) is None:
                reason = str(unknown("suite", key[0], found.suites))
            else:
                reason = owner.misfit(plugin.kind) if table is found.implementations else ""
            if reason:
                del table[key]
                found.broken.append(Broken(getattr(plugin, "file", plugin.module), reason))


@cache
def source_hash(file: Path) -> str:
    """Return the SHA-256 of a method's file and of the ``_*.py`` helpers beside it."""
    total = hashlib.sha256()
    for path in (file, *sorted(file.parent.glob("_*.py"))):
        if path.name != "__init__.py":
            total.update(f"{path.name} {file_sha256(path)}\n".encode())
    return total.hexdigest()
