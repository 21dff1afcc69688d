"""The layout: plug-ins ship inside the package, through committed symbolic links."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import tiltyard

ROOT = Path(__file__).parent.parent
FOLDERS = ("suites", "implementations", "datasets")


@pytest.mark.parametrize("name", FOLDERS)
def test_plug_in_folders_are_links(name):
    link = ROOT / "src" / "tiltyard" / name
    assert link.is_symlink()
    assert link.resolve() == ROOT / name


def test_git_keeps_the_links_as_links():
    listed = subprocess.run(
        ["git", "ls-files", "--stage", *(f"src/tiltyard/{name}" for name in FOLDERS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["120000"] * 3


def test_wheel_holds_the_plug_ins_and_nothing_at_the_top_level(tmp_path):
    build = "import setuptools.build_meta as b, sys; b.build_wheel(sys.argv[1])"
    # A copy, so that the build leaves no files behind; links are followed, as in an sdist.
    copied = [f"{ROOT}/src", f"{ROOT}/pyproject.toml", *_beside()]
    subprocess.run(["cp", "-R", *copied, tmp_path], check=True)
    done = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named 'setuptools'" in done.stderr:
        pytest.skip("setuptools is not installed here")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"tiltyard"}
    for wanted in (
        "tiltyard/suites/cvar/judge.py",
        "tiltyard/implementations/cvar/tail_ipm.py",
        "tiltyard/implementations/cvar/_kernels.py",
        "tiltyard/datasets/scikit_learn.py",
        "tiltyard/datasets/digits_relu_networks.npz",
        "tiltyard/suites/constrained/_cutest_index.csv",
        "tiltyard/report/leaderboard.schema.json",
        "tiltyard/report/templates/suite.html",
        "tiltyard/scaffold/workflow.yml.txt",
        "tiltyard/py.typed",
    ):
        assert wanted in names


def _beside():
    return [str(ROOT / name) for name in (*FOLDERS, "README.md", "LICENSE")]


def test_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == tiltyard.__version__


def test_public_names_are_pinned():
    assert tiltyard.__all__ == sorted(tiltyard.__all__)
    assert all(hasattr(tiltyard, name) for name in tiltyard.__all__)
