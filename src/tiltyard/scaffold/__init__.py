"""Writes the first version of a plug-in: complete files that run and pass ``tiltyard check``."""

from __future__ import annotations

import hashlib
import inspect
import keyword
import re
import sys
import textwrap
from importlib.resources import files
from pathlib import Path
from string import Template

from tiltyard.errors import TiltyardError
from tiltyard.registry import USER_FOLDER, Registry
from tiltyard.suite import Problem, Suite

_NOTHING_TO_YIELD = """\
# Replace this line: yield answers of the kind that the suite's judge accepts.
raise NotImplementedError("no answer yet")
yield
"""

_TABLE = "x1,x2,y\n1.0,2.0,0.5\n2.0,1.0,1.5\n3.0,5.0,2.0\n4.0,3.0,3.5\n"


def new_implementation(
    registry: Registry, suite: str, name: str, folder: Path | None = None
) -> list[Path]:
    """Write a minimal method of a suite; return the files written.

    Args:
        registry: the plug-ins there are.
        suite: a registered suite; its ``example`` is what the method does.
        name: the method's; a Python identifier.
        folder: made if absent; by default the user's plug-in folder.

    Raises:
        TiltyardError: the suite is unknown, the name is taken or no identifier, or the file exists
            or cannot be written.
    """
    owner = registry.suite(suite)
    _check_name("an implementation", name)
    if (suite, name) in registry.implementations:
        first = _origin(registry.implementations[suite, name].module)
        raise TiltyardError(f"suite {suite} already has an implementation {name}, in {first}")
    problem = _smoke_problem(registry, owner)
    body = _body(owner, problem)
    tuned = re.search(r"\bstep\b", body) is not None
    text = _fill(
        "implementation",
        name=name,
        suite=suite,
        imports="import numpy as np\n\n" if "np." in body else "",
        tune=', tune={"step": (1e-3, 1e1, "log")}' if tuned else "",
        parameters=", *, step: float = 0.1" if tuned else "",
        kind=_class_of(problem),
        body=textwrap.indent(body, "    ").rstrip(),
    )
    return _write(registry, folder, {f"{name}.py": text})


def new_suite(registry: Registry, name: str, folder: Path | None = None) -> list[Path]:
    """Write a suite in one file: problems, judge, and one method; return the files written.

    Raises:
        TiltyardError: as ``new_implementation``.
    """
    _check_name("a suite", name)
    if name in registry.suites:
        first = _origin(registry.suites[name].module)
        raise TiltyardError(f"there is a suite {name} already, in {first}")
    title = name.replace("_", " ").strip().capitalize()
    return _write(registry, folder, {f"{name}.py": _fill("suite", name=name, title=title)})


def new_dataset(registry: Registry, name: str, folder: Path | None = None) -> list[Path]:
    """Write an embedded dataset, its file and its loader; return the files written.

    Raises:
        TiltyardError: as ``new_implementation``.
    """
    _check_name("a dataset", name)
    spelled = name.replace("_", "-")
    if spelled in registry.datasets:
        first = _origin(registry.datasets[spelled].module)
        raise TiltyardError(f"there is a dataset {spelled} already, in {first}")
    checksum = hashlib.sha256(_TABLE.encode()).hexdigest()
    text = _fill("dataset", name=name, sha256=checksum)
    return _write(registry, folder, {f"{name}.py": text, f"{name}.csv": _TABLE})


def _check_name(kind: str, name: str) -> None:
    if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name):
        raise TiltyardError(
            f"{name!r} cannot name {kind}: use letters, digits and underscores, a letter first"
        )
    if name.startswith("_"):
        raise TiltyardError(f"{name!r} would be skipped: files that start with _ are helpers")


def _origin(module: str) -> str:
    """Return a module's file, else its name."""
    return getattr(sys.modules.get(module), "__file__", None) or module


def _class_of(problem: Problem | None) -> str:
    """Return what the method's author should look up."""
    if problem is None:
        return "Problem of tiltyard"
    module = type(problem).__module__
    own = module.startswith("tiltyard_user_")
    return f"{type(problem).__name__} of {Path(_origin(module)).name if own else module}"


def _smoke_problem(registry: Registry, suite: Suite) -> Problem | None:
    for family in registry.families_of(suite.name):
        for name in family.names("smoke"):
            return registry.build(suite.name, name)
    return None


def _body(suite: Suite, problem: Problem | None) -> str:
    """Return what the method does: the suite's example, else the start, else a marked gap."""
    if suite.example:
        return inspect.cleandoc(suite.example)
    if callable(getattr(problem, "start", None)):
        return "yield problem.start()"
    return _NOTHING_TO_YIELD


def _fill(template: str, **values: str) -> str:
    text = files("tiltyard.scaffold").joinpath(f"{template}.py.txt").read_text(encoding="utf-8")
    return Template(text).substitute(values)


def _write(registry: Registry, folder: Path | None, contents: dict[str, str]) -> list[Path]:
    """Write files, none of which may exist yet."""
    if folder is None:
        folder = registry.folders[0] if registry.folders else Path(USER_FOLDER)
    paths = [folder / name for name in contents]
    for path in paths:
        if path.exists():
            raise TiltyardError(f"{path} exists; choose another name or remove it first")
    if folder.exists() and not folder.is_dir():
        raise TiltyardError(f"{folder} is not a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, contents.values(), strict=True):
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise TiltyardError(f"cannot write {error.filename or folder}: {error.strerror}") from None
    return paths
