"""Writes first versions: plug-ins that pass ``tiltyard check``, and what a history needs."""

from __future__ import annotations

import hashlib
import inspect
import json
import keyword
import re
import sys
import textwrap
from importlib.resources import files
from pathlib import Path
from string import Template

from tiltyard.errors import TiltyardError
from tiltyard.git import Repository
from tiltyard.registry import USER_FOLDER, Registry
from tiltyard.suite import Problem, Suite

_NOTHING_TO_YIELD = """\
# Replace this line: yield answers of the kind that the suite's judge accepts.
raise NotImplementedError("no answer yet")
yield
"""

_IGNORED = {"/.asv/": ".asv/results", "/tiltyard.db*": "tiltyard.db"}
"""Lines that ``.gitignore`` needs, with a path that shows whether git ignores it already."""

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
        of=f', kind="{owner.kinds[0]}"' if owner.kinds else "",
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


def new_history(repository: Repository) -> tuple[list[Path], list[Path]]:
    """Write what a history needs: asv's configuration, its benchmarks, a GitHub Actions workflow.

    Files that exist stay as they are; ``.gitignore`` gets what it lacks.

    Args:
        repository: a git repository; the files go into its top folder.

    Returns:
        The files written, and those that were there.

    Raises:
        TiltyardError: a file cannot be written.
    """
    root = repository.root
    contents = {
        root / "asv.conf.json": Template(_read("asv.conf.json")).substitute(
            project=json.dumps(root.name)
        ),
        root / "benchmarks" / "__init__.py": _read("benchmarks.py"),
        root / "benchmarks" / "suites.py": _read("suites.py"),
        root / ".github" / "workflows" / "tiltyard.yml": _read("workflow.yml"),
    }
    kept = [path for path in contents if path.exists()]
    written = [path for path in contents if path not in kept]
    for path in written:
        _put(path, contents[path], mode="x")
    missing = [line for line, example in _IGNORED.items() if not repository.ignores(example)]
    if missing:
        path = root / ".gitignore"
        before = path.read_bytes() if path.exists() else b""
        unfinished = bool(before) and not before.endswith(b"\n")
        _put(path, "\n" * unfinished + "".join(f"{line}\n" for line in missing), mode="a")
        written.append(path)
    return written, kept


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
    return Template(_read(f"{template}.py")).substitute(values)


def _read(template: str) -> str:
    return files("tiltyard.scaffold").joinpath(f"{template}.txt").read_text(encoding="utf-8")


def _write(registry: Registry, folder: Path | None, contents: dict[str, str]) -> list[Path]:
    """Write files, none of which may exist yet."""
    if folder is None:
        folder = registry.folders[0] if registry.folders else Path(USER_FOLDER)
    texts = {folder / name: text for name, text in contents.items()}
    for path in texts:
        if path.exists():
            raise TiltyardError(f"{path} exists; choose another name or remove it first")
    if folder.exists() and not folder.is_dir():
        raise TiltyardError(f"{folder} is not a folder")
    for path, text in texts.items():
        _put(path, text, mode="x")
    return list(texts)


def _put(path: Path, text: str, *, mode: str) -> None:
    """Write a text into a new file (mode x) or at the end of one (mode a); make its folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise TiltyardError(f"cannot write {error.filename or path}: {error.strerror}") from None
