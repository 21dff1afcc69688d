"""A network of one's own that is at fault costs one line and exit code 2."""

import pytest
import torch
from torch import nn


@pytest.mark.parametrize(
    ("saved", "options", "message"),
    [
        ({"0.weight": print}, "points=points.csv", "asks for print, which is not allowed"),
        (nn.Sequential(nn.Linear(2, 2)), "radius=0.1", "points=none is not a file"),
    ],
)
def test_one_line_and_exit_code_2(tiltyard, tmp_path, saved, options, message):
    torch.save(saved, tmp_path / "net.pt")
    (tmp_path / "points.csv").write_text("0,1\n")
    done = tiltyard("run", "lipschitz", "-p", f"own-local[file=net.pt,{options}]")
    assert done.returncode == 2, done.stdout
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
