"""Tests of leaderboards as Markdown."""

import dataclasses

from toy_store import HARDWARE, by_hand, record

from tiltyard.grouping import boards
from tiltyard.report.markdown import leaderboard_markdown
from tiltyard.suite import Budget

ENVIRONMENTS = {"env": {**HARDWARE, "hardware": "hw"}}

GOLDEN = """\
tier standard, device cpu, threads 1, budget 0.2 s a run, hardware Toy 3000, 2 cores, 8 GiB, \
suite version 1, pool {pool}, problems 2 of 2, seeds 1

| rank | 95 % | implementation | score | problems | reached 0.1 | reached 0.01 | time to 0.1 \
| time to 0.01 | final gap | runs |
| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
| 1 | 1 | `noisy` | 1.000 | 2 of 2 | 100 % | 100 % | 10.0 ms | 20.0 ms | 0.00900 | 2 solved |
| 2 | 2 | `halve` | 0.849 | 2 of 2 | 100 % | 100 % | 20.0 ms | 40.0 ms | 0.00900 | 2 solved |
| 3 | 3 | `misbehave` | 0.000 | 2 of 2 | 0 % | 0 % | missed | missed | failed \
| 1 crashed, 1 diverged |
"""


def board_of(toy, tier, records):
    return boards(toy, toy.suite("toy"), tier, records, ENVIRONMENTS)[0]


def test_the_whole_table(toy):
    records = [one for one in by_hand() if one.spec.implementation != "positive_only"]
    board = board_of(toy, "standard", records)
    assert leaderboard_markdown(board, ENVIRONMENTS) == GOLDEN.format(pool=board.pool)


def test_without_environments_the_hardware_is_its_id(toy):
    assert "hardware hardware hw" not in leaderboard_markdown(board_of(toy, "standard", by_hand()))
    assert "hardware hw," in leaderboard_markdown(board_of(toy, "standard", by_hand()))


def test_smoke_is_labelled(toy):
    one = record("halve", "line[x0=1.0,instance=0]", [(0.1, 0.5)], budget=Budget(seconds=0.05))
    text = leaderboard_markdown(board_of(toy, "smoke", [one]))
    assert text.startswith("**smoke tier: not for publication**\n\n")


def test_names_cannot_break_the_table(toy):
    (one,) = [record("halve", "line[x0=3.0,instance=0]", [(0.1, 0.5)])]
    one.spec = dataclasses.replace(one.spec, implementation="a|b`c\n<b>")
    *_, row = leaderboard_markdown(board_of(toy, "standard", [one])).splitlines()
    assert "`` a\\|b`c <b> ``" in row
    assert row.replace("\\|", "").count("|") == 12
