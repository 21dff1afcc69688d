"""Plug-ins are found wherever they are; a bad one is told in one line and harms no other."""

import importlib
import os
import subprocess
import sys
import textwrap

import pytest

from tiltyard import problem
from tiltyard.errors import TiltyardError
from tiltyard.registry import (
    Broken,
    discover,
    generator,
    registry,
    source_hash,
    user_folders,
)

GOOD = """
    from tiltyard import implementation

    @implementation(suite="toy")
    def fine(problem, rng):
        yield 0.0
"""

METHOD = """
    from tiltyard import implementation

    @implementation({declaration})
    def bad({arguments}):
        yield 0.0
"""


def method(declaration='suite="toy"', arguments="problem, rng"):
    return METHOD.format(declaration=declaration, arguments=arguments)


WANTED = "bad must be declared as (problem, rng, *, parameter=default, ...)"

BROKEN = {
    "a kind where there are none": (
        method('suite="toy", kind="bound"'),
        "kind 'bound' is none of suite toy; it has no kinds",
    ),
    "syntax error": ("x = (", "syntax error in line 1: '(' was never closed"),
    "missing import": (
        "import no_such_module",
        "ModuleNotFoundError: No module named 'no_such_module'",
    ),
    "exit": ("raise SystemExit('bye')", "SystemExit: bye"),
    "several lines": ("raise ValueError('one\\n  two')", "ValueError: one two"),
    "no rng": (
        method(arguments="problem"),
        WANTED,
    ),
    "positional parameter": (
        method(arguments="problem, rng, step=0.1"),
        f"{WANTED}; step is not keyword-only with a default",
    ),
    "no default": (
        method(arguments="problem, rng, *, step"),
        f"{WANTED}; step is not keyword-only with a default",
    ),
    "tunes nothing": (
        method('suite="toy", tune={"stp": (1, 2, "log")}', "problem, rng, *, step=1.0"),
        "bad tunes stp, which is none of its parameters",
    ),
    "empty range": (
        method('suite="toy", tune={"step": (2, 1, "linear")}', "problem, rng, *, step=1.0"),
        "bad: the range of step is empty or not positive",
    ),
    "log of zero": (
        method('suite="toy", tune={"step": (0, 1, "log")}', "problem, rng, *, step=1.0"),
        "bad: the range of step is empty or not positive",
    ),
    "no choices": (
        method('suite="toy", tune={"step": ()}', "problem, rng, *, step=1.0"),
        "bad: step has no values to choose from",
    ),
    "unknown suite": (method('suite="toi"'), "unknown suite 'toi'; did you mean toy?"),
    "problem without rng": (
        """
    from tiltyard import problem

    @problem(suite="toy")
    def family():
        pass
""",
        "problem family must be declared as (rng, *, parameter=default, ...)",
    ),
    "dataset with two places": (
        """
    from tiltyard import dataset

    @dataset(licence="CC0-1.0", source="here", sha256="0" * 64, path="a", url="b")
    def table(path):
        pass
""",
        "dataset table: give path or url, not both",
    ),
    "dataset with half a checksum": (
        """
    from tiltyard import dataset

    @dataset(licence="CC0-1.0", source="here", sha256="abc", path="a")
    def table(path):
        pass
""",
        "dataset table: sha256 is not 64 lower-case hexadecimal digits",
    ),
}


@pytest.fixture
def write(tmp_path, toy):
    """Return a function that writes modules and finds them, with a copy of the toy suite."""
    (toy_file,) = {suite.module for suite in toy.suites.values() if suite.name == "toy"}
    (tmp_path / "toy.py").symlink_to(sys.modules[toy_file].__file__)

    def find(**sources):
        for name, source in sources.items():
            path = tmp_path / f"{name}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(source))
        return discover((tmp_path,))

    return find


@pytest.mark.parametrize("declaration", ['suite="depth"', 'suite="depth", kind="bounds"'])
def test_a_method_is_of_one_of_its_suites_kinds(write, tmp_path, toy, declaration):
    (tmp_path / "depth.py").symlink_to(sys.modules[toy.suite("depth").module].__file__)
    good = method('suite="depth", kind="guess"').replace("bad", "good")
    found = write(a=method(declaration), b=good)
    kind = "bounds" if "kind" in declaration else ""
    reason = f"kind {kind!r} is none of suite depth; its kinds: bound, guess"
    assert found.broken == [Broken(str(tmp_path / "a.py"), reason)]
    assert [one.name for one in found.methods_of("depth")] == ["chain", "good", "plumb", "squint"]


@pytest.mark.parametrize(("source", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_bad_plugin_is_listed_and_takes_nothing_down(write, tmp_path, source, reason):
    found = write(a=source, b=GOOD)
    assert found.broken == [Broken(str(tmp_path / "a.py"), reason)]
    assert ("toy", "fine") in found.implementations
    assert ("toy", "halve") in found.implementations
    assert ("toy", "bad") not in found.implementations


def test_ctrl_c_while_importing_is_no_broken_plugin(write):
    with pytest.raises(KeyboardInterrupt):
        write(a="raise KeyboardInterrupt")


def test_a_bad_module_is_not_left_imported(write):
    before = set(sys.modules)
    write(a="x = 1\nraise ValueError")
    assert not [name for name in set(sys.modules) - before if name.endswith(".a")]


def test_a_name_is_registered_once(write, tmp_path):
    found = write(a=GOOD, b=GOOD)
    first = found.implementations["toy", "fine"]
    assert first.file == str(tmp_path / "a.py")
    (broken,) = found.broken
    assert broken.source == str(tmp_path / "b.py")
    assert broken.reason == f"implementation toy fine is already registered by {first.module}"


def test_imported_plugins_belong_to_the_module_that_defines_them(write):
    source = """
    from tiltyard import Problem, problem
    import importlib.util, sys

    toy = next(m for n, m in sys.modules.items() if n.endswith(".toy") and hasattr(m, "SUITE"))
    SUITE = toy.SUITE
    halve = toy.halve
"""
    found = write(zz=source)
    assert found.broken == []


def test_lists_of_plugins_are_searched(write):
    source = """
    from dataclasses import replace
    from tiltyard import implementation

    @implementation(suite="toy")
    def one(problem, rng):
        yield 0.0

    MORE = [replace(one, name="two"), replace(one, name="three")]
"""
    found = write(a=source)
    assert {("toy", "one"), ("toy", "two"), ("toy", "three")} <= set(found.implementations)


def test_helpers_are_not_plugins_and_folders_are_searched(write, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "er.py").write_text(textwrap.dedent(GOOD))
    found = write(_helper="raise ValueError")
    assert found.broken == []
    assert ("toy", "fine") in found.implementations


@pytest.mark.parametrize(
    ("look", "message"),
    [
        (lambda found: found.suite("tyo"), "unknown suite 'tyo'; did you mean toy?"),
        (
            lambda found: found.implementation("toy", "halv"),
            "unknown implementation 'halv'; did you mean halve?",
        ),
        (
            lambda found: found.family("toy", "lien"),
            "unknown problem 'lien'; did you mean line?",
        ),
        (lambda found: found.dataset("zz"), "unknown dataset 'zz'; "),
        (
            lambda found: found.canonical("toy", "line[x=1]"),
            "problem line has no parameter 'x'; its parameters: x0, instance",
        ),
        (
            lambda found: found.canonical("toy", "line[x0=one]"),
            "line: x0: expected float, got 'one'",
        ),
        (
            lambda found: found.canonical("toy", "line[x0=1"),
            "problem 'line[x0=1' is not of the form family[key=value,...]",
        ),
    ],
)
def test_misspelled_names_suggest_the_nearest(toy, look, message):
    with pytest.raises(TiltyardError) as error:
        look(toy)
    assert str(error.value).startswith(message)


def test_an_error_in_a_user_file_problem_is_told(write):
    source = """
    from tiltyard import Problem, problem

    @problem(suite="toy", files=("path",))
    def mine(rng, *, path: str = "none.csv"):
        return Problem()
"""
    found = write(a=source)
    with pytest.raises(TiltyardError, match=r"problem mine: path=none\.csv is not a file"):
        found.data_of("toy", "mine")


def test_entry_points_of_installed_packages_are_found(tmp_path, monkeypatch, toy):
    (tmp_path / "their_package.py").write_text(textwrap.dedent(GOOD).replace("fine", "theirs"))
    info = tmp_path / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[tiltyard.plugins]\ngood = their_package\nbad = their_missing_package\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    discover.cache_clear()
    try:
        found = discover(toy.folders)
    finally:
        discover.cache_clear()
        sys.modules.pop("their_package", None)
    assert found.implementations["toy", "theirs"].module == "their_package"
    assert (
        Broken(
            "their_missing_package",
            "ModuleNotFoundError: No module named 'their_missing_package'",
        )
        in found.broken
    )


def test_a_missing_folder_is_the_users_mistake(monkeypatch, tmp_path):
    missing = tmp_path / "missing"
    monkeypatch.setenv("TILTYARD_PLUGINS", f"{tmp_path}{os.pathsep}{missing}")
    with pytest.raises(TiltyardError, match=f"plug-in folder {missing} does not exist"):
        registry()


def test_the_users_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("TILTYARD_PLUGINS", f"{tmp_path}{os.pathsep}")
    assert user_folders() == (tmp_path.resolve(),)
    monkeypatch.delenv("TILTYARD_PLUGINS")
    assert user_folders() == ()
    (tmp_path / "tiltyard_plugins").mkdir()
    assert user_folders() == (tmp_path.resolve() / "tiltyard_plugins",)


def test_one_name_builds_one_problem(toy):
    name = toy.canonical("toy", "line[x0=3]")
    assert name == "line[x0=3.0,instance=0]"
    assert toy.build("toy", name).x0 == 3.0
    assert toy.canonical("toy", name) == name


def test_generators_depend_on_names_alone():
    assert generator("a", 1).random() == generator("a", 1).random()
    assert generator("a", 1).random() != generator("a", 2).random()
    assert generator("ab").random() != generator("a", "b").random()


def test_the_source_hash_covers_the_helpers_beside_a_method(tmp_path):
    for name in ("method.py", "_helper.py", "other.py", "__init__.py"):
        (tmp_path / name).write_text("x = 1\n")

    def now():
        source_hash.cache_clear()
        return source_hash(tmp_path / "method.py")

    first = now()
    for name in ("other.py", "__init__.py"):
        (tmp_path / name).write_text("x = 2\n")
        assert now() == first
    for name in ("method.py", "_helper.py"):
        (tmp_path / name).write_text("x = 2\n")
        assert now() != first
        first = now()


def test_a_generator_is_seeded_by_the_bytes_of_a_hash():
    """Its draws are part of every published number: they must not change."""
    import hashlib

    import numpy as np

    seed = list(hashlib.sha256(b"a\x1f1\x1f0.5").digest())
    expected = np.random.default_rng(seed).random(5)
    np.testing.assert_array_equal(generator("a", 1, 0.5).random(5), expected)


def test_family_says_what_it_lacks_before_it_builds(toy):
    with pytest.raises(TiltyardError, match=r"^problem needy-line needs no_such_module: pip inst"):
        toy.build("toy", "needy-line")


def test_family_may_give_two_spellings_one_name():
    @problem(suite="toy", normalise=lambda given: {**given, "kind": str(given["kind"]).upper()})
    def lettered(rng, *, kind: str = "A", n: int = 2):
        """Stand for something."""

    assert lettered.spell({"kind": "b"}) == lettered.spell({"kind": "B"}) == "lettered[kind=B,n=2]"


def test_the_built_in_plugins_import_nothing_heavy():
    """Every command imports all of them: what is heavy belongs into functions or ``_*.py``."""
    heavy = {"torch", "scipy.optimize", "sklearn", "numba", "pandas", "matplotlib"}
    script = "import sys; from tiltyard.registry import registry; registry(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert heavy.isdisjoint(done.stdout.split())
