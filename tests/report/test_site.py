"""Tests of the web site: its numbers, its odd cases, and that it is safe and self-contained."""

import dataclasses
import json
import math
import os
import posixpath
import re

import numpy as np
import pytest
from toy_store import MINUS, PLUS, by_hand, curve, fill, record

from tiltyard.errors import TiltyardError
from tiltyard.registry import Broken, Registry
from tiltyard.report.addresses import duel_address, implementation_address, problem_address
from tiltyard.run.record import Status
from tiltyard.store import Store
from tiltyard.suite import Budget

LEADERBOARD = "Leaderboard, tier standard"
TIGHT = "Median sustained time to gap 0.01"


def random_records():
    rng = np.random.default_rng(7)
    return [
        record(method, problem, curve(rng, 500 * rng.random()), seed=seed)
        for method in ("halve", "noisy", "called_back", "both_devices")
        for problem in (PLUS, MINUS)
        for seed in (0, 1)
    ]


def rename(registry, kind, old, new):
    """Return a registry in which an implementation or the suite has another name."""
    tables = {
        name: dict(getattr(registry, name))
        for name in ("suites", "families", "implementations", "claims")
    }
    if kind == "implementation":
        method = tables["implementations"].pop(("toy", old))
        tables["implementations"]["toy", new] = dataclasses.replace(method, name=new, summary=new)
    else:
        tables["suites"] = {new: dataclasses.replace(registry.suites[old], name=new, title=new)}
        for name in ("families", "implementations", "claims"):
            tables[name] = {
                (new, key): dataclasses.replace(value, suite=new)
                for (_, key), value in tables[name].items()
            }
    return Registry(**tables)


def test_the_leaderboard_is_right(site):
    rows = site(by_hand())["toy.html"].tables[LEADERBOARD][2:]
    cells = {row[1]: row for row in rows}
    assert [row[1] for row in rows] == ["noisy", "halve", "positive_only", "misbehave"]
    score = 1 - math.log(2) / math.log(100)
    expected = ["1.000", "2 of 2", "100 %", "100 %", "10.0 ms", "20.0 ms"]
    expected += ["0.00900", "2\xa0solved"]
    assert cells["noisy"][2:] == expected
    assert cells["halve"][2] == f"{score:.3f}"
    assert cells["positive_only"][3] == "1 of 2"
    assert cells["positive_only"][8] == "0"
    assert cells["positive_only"][9] == "1\xa0solved, 1\xa0unsupported"
    assert cells["misbehave"][2:9] == [
        "0.000",
        "2 of 2",
        "0 %",
        "0 %",
        "missed",
        "missed",
        "failed",
    ]
    assert re.fullmatch(r"1 \[1(-\d)?\]", cells["noisy"][0])


def test_the_matrix_is_right(site):
    page = site(by_hand())["toy.html"]
    heads, *rows = page.tables[TIGHT]
    cells = {(row[0], head): cell for row in rows for head, cell in zip(heads, row, strict=True)}
    assert cells[PLUS, "halve"] == "40.0 ms"
    assert cells[MINUS, "noisy"] == "20.0 ms"
    assert cells[MINUS, "positive_only"] == "-"
    assert cells[PLUS, "misbehave"] == "crashed"
    assert cells[MINUS, "misbehave"] == "diverged"


def test_a_cell_tells_how_many_runs_reached_the_target(site):
    records = [
        record("halve", PLUS, [(0.01, 0.001)], seed=0),
        record("halve", PLUS, [(0.02, 0.001)], seed=1),
        record("halve", PLUS, [(0.2, 0.5)], seed=2),
        record("noisy", PLUS, [(0.2, 0.5)], seed=0),
    ]
    cells = site(records)["toy.html"].tables[TIGHT][1]
    assert cells[1:] == ["20.0 ms2 of 3 runs", "missed"]


def test_failures_and_unsupported_pairs_are_listed(site):
    page = site(by_hand())["toy.html"]
    failed = {tuple(row[:4]) for row in page.tables["Failed runs"][1:]}
    assert failed == {
        ("misbehave", "crashed", "as asked", "1"),
        ("misbehave", "diverged", "gap is inf", "1"),
    }
    row = page.tables["Unsupported pairs"][1]
    assert row[:5] == ["positive_only", "unsupported", "needs sign = plus", "1", MINUS]


def test_conditions_and_commands_are_shown(site):
    page = site(by_hand())["toy.html"]
    assert "Toy 3000, 2 cores, 8 GiB" in page.text
    assert "tiltyard run toy --tier standard --seeds 1\ntiltyard replay" in page.text


def test_tiers_have_their_own_boards_and_smoke_is_labelled(site):
    smoke = record("halve", "line[x0=1.0,instance=0]", [(0.01, 0.001)], budget=Budget(seconds=0.05))
    pages = site([smoke])
    assert "smoke tier: not for publication" in pages["index.html"].text
    assert next(iter(pages["toy.html"].tables)) == "Leaderboard, tier smoke"
    pages = site([*by_hand(), smoke])
    assert "smoke tier" not in pages["index.html"].text
    assert "Leaderboard, tier smoke" in pages["toy.html"].tables


def test_other_conditions_are_named(site):
    other = record("halve", PLUS, [(0.01, 0.001)], budget=Budget(seconds=9.0), seed=4)
    text = site([*by_hand(), other])["toy.html"].text
    assert "budget 9 s a run" in text


def test_the_same_store_gives_the_same_bytes(site, tmp_path):
    for name in ("one", "two"):
        site(random_records(), out=tmp_path / name)
    one, two = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two
    assert {str(path) for path in one if len(path.parts) == 1} == {
        "claims.html",
        "history.html",
        "index.html",
        "leaderboard.json",
        "leaderboard.schema.json",
        "methods.html",
        "toy-standard.md",
        "toy.html",
    }
    assert {str(path) for path in one if path.parts[0] in ("badges", "figures", "latex")} == {
        "badges/toy-standard-both_devices.svg",
        "badges/toy-standard-called_back.svg",
        "badges/toy-standard-halve.svg",
        "badges/toy-standard-noisy.svg",
        "latex/toy-standard.tex",
    }


def test_nothing_is_loaded_and_links_lead_somewhere(site):
    pages = site([*random_records(), *by_hand()[4:]])
    reached = set()
    for address, page in pages.items():
        assert page.loads == ["data:,"]
        assert len(page.ids) == len(set(page.ids))
        for link in page.links:
            path, _, anchor = link.partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(address), path))
            target = target if path else address
            assert target in pages or target in ("leaderboard.json", "toy-standard.md")
            assert not anchor or anchor in pages[target].ids
            reached.add(target)
    assert reached >= set(pages)


def test_styles_and_scripts_ask_nobody(site, tmp_path):
    site(random_records(), out=tmp_path / "out")
    for page in (tmp_path / "out").rglob("*.html"):
        source = page.read_text("utf-8")
        assert not re.search(r"url\(|@import|fetch\(|https?://(?!doi\.org|arxiv\.org)", source)


def test_pages_are_accessible(site):
    for page in site([*random_records(), *by_hand()[4:]]).values():
        tags = page.tags
        assert ("html", {"lang": "en"}) in tags
        names = [tag for tag, _ in tags]
        assert names.count("h1") == names.count("main") == 1
        assert names.count("table") == names.count("caption")
        assert all("scope" in values for tag, values in tags if tag == "th")
        plots = [values for tag, values in tags if tag == "svg" and "role" in values]
        assert names.count("desc") == len(plots)


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert('1')>",
        "{{ 7 * 7 }}{% raw %}",
        "naïve\u202e✓名",
        "a" * 300,
        "../../etc/passwd",
    ],
)
def test_names_are_escaped(site, toy, name):
    registry = rename(toy, "implementation", "halve", name)
    records = [
        dataclasses.replace(one, reason=name if one.status.failed else "", reference={name: name})
        for one in by_hand()
    ]
    for one in records:
        if one.spec.implementation == "halve":
            one.spec = dataclasses.replace(one.spec, implementation=name)
            one.certificate = {name: name}
        if one.spec.problem == MINUS:
            one.spec = dataclasses.replace(one.spec, data={name: name}, seed=3)
    records.append(record("noisy", f"odd[{name}]", [(0.1, 0.5)]))
    pages = site(records, registry)
    for page in pages.values():
        tags = [tag for tag, _ in page.tags]
        assert "img" not in tags
        assert tags.count("script") == 1
    page = pages["toy.html"]
    assert name in pages[implementation_address("toy", name)].text
    assert name in pages[problem_address("toy", f"odd[{name}]")].text
    assert name in pages[duel_address("toy", name, "noisy")].text
    assert name in [row[1] for row in page.tables[LEADERBOARD]]
    assert name in [row[2] for row in page.tables["Failed runs"]]
    assert name in pages["index.html"].text


@pytest.mark.parametrize("name", ["a/../b", "index", "Claims", "<b>", "leaderboard", "x" * 300])
def test_a_suites_name_makes_a_safe_file(site, toy, name, tmp_path):
    out = tmp_path / "a" / "b"
    registry = rename(toy, "suite", "toy", name)
    pages = site([record("halve", PLUS, [(0.01, 0.001)], suite=name)], registry, out)
    own = {"index.html", "claims.html", "history.html", "methods.html"}
    (link,) = set(pages["index.html"].links) - own - {"#content"}
    assert link in pages
    assert all(re.fullmatch(r"[A-Za-z0-9~_./-]{1,180}", address) for address in pages)
    assert not any(".." in address for address in pages)
    assert sorted(path.name for path in out.parent.iterdir()) == ["b"]


def test_an_empty_store_says_so(site, toy):
    pages = site([])
    assert list(pages) == ["claims.html", "history.html", "index.html", "methods.html"]
    assert "no claim is measured" in pages["claims.html"].text
    assert "There is no history yet" in pages["history.html"].text
    assert "There are no runs yet" in pages["methods.html"].text
    assert "There are no runs yet" in pages["index.html"].text
    assert "tiltyard run toy" in pages["index.html"].text


def test_an_empty_registry_names_the_orphans(site):
    pages = site(by_hand(), Registry())
    assert list(pages) == ["claims.html", "history.html", "index.html", "methods.html"]
    assert "toy: 8 runs" in pages["index.html"].text


def test_broken_plugins_are_listed(site):
    registry = Registry(broken=[Broken("bad.py", "syntax error in line 1: <b>")])
    rows = site([], registry)["index.html"].tables["Broken plug-ins"]
    assert rows[1] == ["bad.py", "syntax error in line 1: <b>"]


def test_all_failed(site):
    records = [
        record(method, problem, [], status=Status.CRASHED, reason="boom")
        for method in ("halve", "noisy")
        for problem in (PLUS, MINUS)
    ]
    page = site(records)["toy.html"]
    assert "Every run failed" in page.text
    # No target was reached, so the loosest one is shown.
    assert page.tables["Median sustained time to gap 0.1"][1][1:] == ["crashed", "crashed"]


def test_all_unsupported(site):
    records = [record("halve", PLUS, [], status=Status.UNSUPPORTED, reason="no")]
    pages = site(records)
    assert "Every pair is unsupported." in pages["toy.html"].text
    assert "No implementation is ranked" in pages["index.html"].text
    assert pages["toy.html"].tables[LEADERBOARD][2][0].startswith("-takes fewer than")


def test_one_implementation_on_one_problem(site):
    text = site([record("halve", PLUS, [(0.01, 0.001)])])["toy.html"].text
    assert "one implementation only" in text
    assert "one problem only" in text


@pytest.mark.parametrize("gap", [math.nan, math.inf, 0.0, 1e-300, 1e300])
@pytest.mark.parametrize("seconds", [0.0, 1e-9, 1e5])
def test_odd_numbers(site, gap, seconds):
    page = site([record("halve", PLUS, [(0.0, 1.0), (seconds, gap)])])["toy.html"]
    del page.tables["Every implementation"]  # one is called first_nan
    assert not re.search("nan|inf", str(page.tables))
    paths = [values["d"] for tag, values in page.tags if tag == "path"]
    assert not [path for path in paths if re.search("nan|inf", path)]


def test_a_run_that_nothing_judged(site):
    page = site([record("halve", PLUS, [], status=Status.STOPPED), *by_hand()[2:4]])["toy.html"]
    assert "halve" in page.text


def test_another_version_of_the_suite_without_the_metric(site):
    old = record("halve", PLUS, [(0.01, 0.5)], version=0)
    old.checkpoints[0] = dataclasses.replace(old.checkpoints[0], metrics={"former": 1.0})
    assert "suite version0" in site([old])["toy.html"].text


def test_only_problems_outside_the_tiers(site):
    pages = site([record("halve", "line[x0=9.0,instance=0]", [(0.01, 0.001)])])
    assert "no leaderboard" in pages["toy.html"].text
    assert "outside the tiers" in pages["index.html"].text


def test_the_json_holds_every_main_board(site, tmp_path):
    site(by_hand(), out=tmp_path / "out")
    (board,) = json.loads((tmp_path / "out" / "leaderboard.json").read_text("utf-8"))["boards"]
    assert (board["suite"], board["tier"]) == ("toy", "standard")
    assert board["conditions"]["hardware_description"] == "Toy 3000, 2 cores, 8 GiB"
    assert board["rows"][0]["implementation"] == "noisy"


def test_a_file_in_the_way(site, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(TiltyardError, match="cannot write reports to"):
        site(by_hand(), out=tmp_path / "file")
    with pytest.raises(TiltyardError, match="cannot write reports to"):
        site(by_hand(), out=tmp_path / "file" / "below")
    (tmp_path / "no").mkdir()
    (tmp_path / "no" / "latex").write_text("mine")
    with pytest.raises(TiltyardError, match=r"cannot write reports to .*latex"):
        site(by_hand(), out=tmp_path / "no")
    (tmp_path / "out" / "index.html").mkdir(parents=True)
    with pytest.raises(TiltyardError, match=r"cannot write .*index\.html"):
        site(by_hand(), out=tmp_path / "out")
    assert not list((tmp_path / "out").glob(".*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only(site, tmp_path):
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(TiltyardError, match="Permission denied"):
        site(by_hand(), out=tmp_path / "out")


def test_others_files_stay_and_old_pages_are_replaced(site, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    (out / "toy.html").write_text("old")
    site(by_hand(), out=out)
    assert (out / "mine.txt").read_text() == "mine"
    assert (out / "toy.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert (out / "toy.html").stat().st_mode & 0o444 == 0o444


def test_a_readonly_store_is_enough(toy, tmp_path):
    from tiltyard.report.site import write_site

    path = fill(tmp_path / "s.db", by_hand())
    with Store(path, readonly=True) as store:
        assert write_site(toy, store, tmp_path / "out").is_file()


def test_pages_stay_small(site, toy):
    """200 problems by 20 implementations; every suite's card is alike, so ten are ten times one."""
    problems = [f"line[x0={float(x0)},instance=0]" for x0 in range(1, 201)]
    family = dataclasses.replace(
        toy.families["toy", "line"],
        tiers={"standard": tuple({"x0": float(i)} for i in range(1, 201))},
    )
    registry = dataclasses.replace(toy, families={("toy", "line"): family})
    rng = np.random.default_rng(0)
    records = [
        record(
            f"method_{i:02}", problem, [(float(rng.random()), 0.005)], budget=Budget(seconds=0.2)
        )
        for i in range(20)
        for problem in problems
    ]
    pages = site(records, registry)
    assert len(pages["toy.html"].tables[TIGHT]) == 201
    assert pages["toy.html"].size < 1_500_000
    assert pages["index.html"].size < 20_000
