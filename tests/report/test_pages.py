"""Tests of the pages of implementations, problems, pairs, claims, the history and the methods."""

import dataclasses
import math
import re

import pytest
from toy_store import MINUS, PLUS, by_hand, fill, record

from tiltyard.report.addresses import (
    duel_address,
    implementation_address,
    problem_address,
    suite_address,
)
from tiltyard.report.history import Series
from tiltyard.run.plan import plan_requests
from tiltyard.run.record import Status
from tiltyard.store import Store
from tiltyard.suite import Budget

FAST, SLOW = [(0.001, 0.5), (0.01, 0.05), (0.02, 0.009)], [(0.002, 0.5), (0.04, 0.009)]


def problem_page(pages, problem=PLUS):
    return pages[problem_address("toy", problem)]


def test_every_kind_of_page_is_written(site):
    pages = site(by_hand())
    kinds = [address.partition("/")[2].partition("-")[0] for address in pages if "/" in address]
    assert kinds.count("problem") == 2
    assert kinds.count("duel") == 6  # of 4 implementations with runs
    assert kinds.count("implementation") == 9  # every one that is registered


def test_a_problems_page_has_every_record(site):
    records = by_hand()
    pages = site(records)
    for problem in (PLUS, MINUS):
        ids = {one.spec.id[:12] for one in records if one.spec.problem == problem}
        rows = problem_page(pages, problem).tables["All 4 runs"][1:]
        assert {row[0] for row in rows} == ids
        assert {row[6] for row in rows} == {f"tiltyard replay {one}" for one in ids}


def test_a_problems_costs_are_right(site):
    page = problem_page(
        site([record("halve", PLUS, FAST, seed=0), record("halve", PLUS, SLOW, seed=1)])
    )
    (row,) = page.tables["Every implementation, tier standard"][2:]
    # Of two seeds the slower is the median; the expected time is the mean of both.
    assert row[:2] == ["halve", "40.0 ms20.0 ms to 40.0 ms"]
    assert row[2].startswith("30.0 ms")
    assert row[3] == "3.002.00 to 3.00"
    assert row[4].startswith("2.50")
    assert row[7] == "2\xa0solved"


def test_convergence_is_drawn_in_seconds_and_in_calls(site):
    page = problem_page(site(by_hand()))
    assert f"Convergence on {PLUS} in seconds" in page.text
    assert f"Convergence on {PLUS} in oracles" in page.text
    assert "noisy: gap 0.00900 after 20.0 ms" in page.text
    assert "noisy: gap 0.00900 after 3 calls" in page.text


def test_no_oracle_calls_are_said(site):
    one = record("halve", PLUS, FAST)
    one.checkpoints = [dataclasses.replace(point, oracles={}) for point in one.checkpoints]
    assert "No run counted an oracle call." in problem_page(site([one])).text


def test_nothing_judged_is_said(site):
    failed = record("halve", PLUS, [], status=Status.CRASHED, reason="boom")
    text = problem_page(site([failed])).text
    assert "No implementation has a judged answer on this problem." in text
    assert "boom" in text


def test_references_keep_their_digits(site):
    one = record("halve", PLUS, [(0.01, 0.001)], reference={"kkt": 1e-9, "value": 1.23456789})
    page = problem_page(site([one]))
    table = page.tables[f"Reference that gaps on {PLUS} are measured from"]
    assert table == [["what", "value"], ["value", "1.234568"], ["kkt", "1e-9"]]


def test_a_problem_of_a_family_that_is_gone(site):
    page = problem_page(site([record("halve", "gone[x=1]", FAST)]), "gone[x=1]")
    assert "not known here any more" in page.text
    assert "No run of this problem is on a leaderboard" in page.text


def test_a_lock_marks_certified_numbers_alone(site):
    records = by_hand()
    for one in records:
        if one.spec.implementation == "noisy":
            one.certificate = {"bound": 0.0}
    pages = site(records)
    rows = {row[1]: row for row in pages["toy.html"].tables["Leaderboard, tier standard"][2:]}
    assert rows["noisy"][8] == "0.00900 certified"
    assert rows["halve"][8] == "0.00900"
    records[6].certificate = {"bound": 0.0}  # of a run that crashed
    assert "certified" not in str(
        [row for row in problem_page(site(records)).tables["All 4 runs"] if row[1] == "misbehave"]
    )


def test_an_implementations_page(site, toy):
    page = site(by_hand())[implementation_address("toy", "halve")]
    assert page.tables["Parameters"][1] == ["factor", "0.5", "0.1 to 0.9, linear"]
    assert "plugins/toy.py" in page.text
    assert re.search(r"sha256[0-9a-f]{64}", page.text)
    rows = page.tables["Every problem, tier standard"][2:]
    assert [row[:3] for row in rows] == [
        [MINUS, "20.0 ms", "40.0 ms"],
        [PLUS, "20.0 ms", "40.0 ms"],
    ]
    assert "tiltyard sweep toy halve --parameter factor --values 0.1,0.9" in page.text


def test_settings_are_labelled_rows_and_show_the_sensitivity(site):
    records = [
        record("halve", problem, points, parameters={"factor": factor})
        for problem in (PLUS, MINUS)
        for factor, points in ((0.5, FAST), (0.25, SLOW[:1]))
    ]
    pages = site(records)
    rows = {row[1]: row for row in pages["toy.html"].tables["Leaderboard, tier standard"][2:]}
    assert set(rows) == {"halve", "halve[factor=0.25]other than its defaults"}
    table = pages[implementation_address("toy", "halve")].tables["Sensitivity to factor"]
    assert [row[:2] for row in table[2:]] == [["0.25", "0.500"], ["0.5", "0.00900"]]


def test_sweeps_without_a_budget_in_seconds_show_the_sensitivity(site):
    records = [
        record("halve", PLUS, points, parameters={"factor": factor}, budget=Budget(iterations=9))
        for factor, points in ((0.5, FAST), (0.25, SLOW), (0.75, []))
    ]
    page = site(records)[implementation_address("toy", "halve")]
    assert "budget 9 iterations a run" in page.text
    table = page.tables["Sensitivity to factor"]
    assert [row[:2] for row in table[2:]] == [
        ["0.25", "0.00900"],
        ["0.5", "0.00900"],
        ["0.75", "failed"],
    ]
    assert "Sensitivity to factor" in page.text


def test_a_sensitivity_compares_common_problems_alone(site):
    records = [
        *(record("halve", problem, FAST, parameters={"factor": 0.5}) for problem in (PLUS, MINUS)),
        *(record("halve", problem, FAST, parameters={"factor": 0.7}) for problem in (PLUS, MINUS)),
        record("halve", PLUS, SLOW, parameters={"factor": 0.25}),
    ]
    table = site(records)[implementation_address("toy", "halve")].tables["Sensitivity to factor"]
    assert [row[0] for row in table[2:]] == ["0.5", "0.7"]


def test_an_implementation_without_parameters_or_runs(site):
    text = site(by_hand())[implementation_address("toy", "silent")].text
    assert "It has no runs yet: tiltyard run toy -i silent" in text
    text = site(by_hand())[implementation_address("toy", "noisy")].text
    assert "There is no parameter to vary." in text


def test_an_implementation_that_is_gone(site):
    pages = site([record("former", PLUS, [(0.01, 0.001)])])
    details = {row[0]: row[1:] for row in pages["toy.html"].tables["Every implementation"][1:]}
    assert details["former"][0] == "not registered any more"
    assert details["halve"] == ["Shrink the number.", "halving", "cpu", "0"]
    assert "not registered any more" in pages[implementation_address("toy", "former")].text


def test_sources_are_links(site, toy):
    method = toy.implementations["toy", "halve"]
    method = dataclasses.replace(method, cites="Dolan & More, doi:10.1007/s101070100263")
    registry = dataclasses.replace(toy, implementations={("toy", "halve"): method})
    pages = site(by_hand(), registry)
    for address in ("toy.html", implementation_address("toy", "halve")):
        assert "https://doi.org/10.1007/s101070100263" in pages[address].links


def test_a_duel_is_right(site):
    page = site(by_hand())[duel_address("toy", "noisy", "halve")]
    assert "noisy is faster2 problems" in page.text
    assert "noisy is 2.00 times faster" in page.text
    rows = page.tables["Problem by problem, gap 0.01"][2:]
    assert rows[0][:5] == [MINUS, "noisy", "40.0 ms", "20.0 ms", "noisy is 2.00 times faster"]
    assert page.tables["Where each is better"][2] == [
        "line",
        "0",
        "0",
        "2",
        "noisy is 2.00 times faster",
    ]


def test_a_duel_in_which_only_one_solved(site):
    page = site(by_hand())[duel_address("toy", "misbehave", "noisy")]
    assert "only noisy reached it2 problems" in page.text
    assert page.tables["Problem by problem, gap 0.01"][2][4] == "only noisy reached it"


def test_a_duel_without_a_common_problem(site):
    records = [
        record("halve", PLUS, FAST),
        record("halve", MINUS, [], status=Status.UNSUPPORTED, reason="no"),
        record("noisy", PLUS, [], status=Status.UNSUPPORTED, reason="no"),
        record("noisy", MINUS, FAST),
    ]
    page = site(records)[duel_address("toy", "halve", "noisy")]
    assert "no problem on which both reached the gap" in page.text


def test_the_duels_of_a_suite_count_wins_and_losses(site):
    table = site(by_hand())["toy.html"].tables["Head to head, tier standard"]
    cells = {
        (row[0], head): cell for row in table[1:] for head, cell in zip(table[0], row, strict=True)
    }
    assert cells["noisy", "halve"] == "2-0"
    assert cells["halve", "noisy"] == "0-2"
    assert not cells["noisy", "noisy"]


def test_accuracy_has_a_front_for_time_and_a_reason_for_no_energy(site):
    page = site(by_hand())["toy.html"]
    table = page.tables["Accuracy and time, with 95\xa0% intervals"]
    places = {row[0]: row[1] for row in table[1:]}
    assert places["noisy"] == "on the front"
    assert places["halve"] == "behind noisy"
    assert "No record tells its peak memory." in page.text
    assert "No record has energy" in page.text


def test_energy_of_two_meters_shares_no_figure(site):
    records = by_hand()
    for index, one in enumerate(records):
        one.energy = {"joules": 3.0 + index, "provenance": "nvml" if index % 2 else "estimate"}
    page = site(records)["toy.html"]
    assert "Accuracy and energy (nvml), with 95\xa0% intervals" in page.tables
    assert "Accuracy and energy (estimate), with 95\xa0% intervals" in page.tables


def claim_records(toy):
    specs = plan_requests(toy, toy.suite("toy"), toy.claims["toy", "quarter-beats-half"].plan())
    return [
        dataclasses.replace(
            record("halve", PLUS, [(0.1, spec.parameters["factor"] ** 5)]), spec=spec
        )
        for spec in specs
    ]


def test_claims_that_are_measured(site, toy):
    records = claim_records(toy)
    pages = site(records)
    page = pages["claims.html"]
    assert "reproduced" in page.text
    assert "Effect: 32.0 times, 95 % interval [32.0, 32.0]" in page.text
    table = page.tables["Behind the claim quarter-beats-half"]
    assert table == [["factor", "gap"], ["0.500", "0.0312"], ["0.250", "9.77e-4"]]
    assert f"tiltyard replay {records[0].spec.id[:12]}" in page.text
    assert "Quartering is faster than halving. reproduced" in pages["toy.html"].text


def test_claims_that_are_not(site, toy):
    text = site(claim_records(toy)[:1])["claims.html"].text
    assert "Not measured yet (1 of 2 runs are there): tiltyard claims toy" in text


@pytest.mark.parametrize("broken", ["plan", "measure"])
def test_a_claim_that_raises_takes_nothing_down(site, toy, broken):
    def fail(*_):
        raise ValueError("bad\nclaim")

    claim = dataclasses.replace(toy.claims["toy", "quarter-beats-half"], **{broken: fail})
    registry = dataclasses.replace(toy, claims={("toy", claim.name): claim})
    assert "ValueError: bad claim" in site(claim_records(toy), registry)["claims.html"].text


def test_the_history_marks_regressions(site):
    common = {
        "group": "toy",
        "conditions": "one machine",
        "unit": "s",
        "commits": ["aaaaaaaaaaaaaaa", "b", "c"],
    }
    series = [
        Series(name="steady <b>", values=[1.0, math.nan, 1.0], **common),
        Series(name="worse", values=[1.0, 2.0, 2.0], regressions=[1], **common),
        Series(name="empty", values=[math.nan] * 3, **common),
    ]
    pages = site([], history=series)
    page = pages["history/toy.html"]
    rows = page.tables["History by commit, oldest on the left"][1:]
    assert [row[0] for row in rows] == ["worse", "empty", "steady <b>"]
    assert [row[4] for row in rows] == ["worse at b", "no regression", "no regression"]
    assert rows[1][2] == "no finite value"
    first = pages["history.html"]
    assert "1 of 3 series is worse" in first.text
    assert [row[:3] for row in first.tables["Series by suite"][1:]] == [["toy", "3", "1"]]
    assert [row[0] for row in first.tables["Series that got worse"][1:]] == ["worse"]
    marks = [values for tag, values in page.tags if values.get("class") == "worse"]
    assert len(marks) == 1


def test_the_methods_page_names_machines(site):
    page = site(by_hand())["methods.html"]
    row = page.tables["Machines and versions"][1]
    assert row[:2] == ["env", "Toy 3000, 2 cores, 8 GiB"]
    assert row[5] == "8"
    assert "tiltyard replay ID" in page.text


def test_other_hardware_has_a_board_of_its_own(toy, tmp_path):
    from pages import Page

    from tiltyard.report.site import write_site

    path = fill(tmp_path / "s.db", by_hand())
    with Store(path) as store:
        store.add_environment(
            "far", "other", {"cpu": "Far 1", "cores": 1, "ram_gib": 1, "gpus": []}
        )
        store.add(record("halve", PLUS, [(0.001, 0.001)], environment="far"))
    with Store(path, readonly=True) as store:
        write_site(toy, store, tmp_path / "out")
    page = Page((tmp_path / "out" / "toy.html").read_text("utf-8"))
    assert "hardware Far 1, 1 cores, 1 GiB" in page.text
    first = page.tables["Leaderboard, tier standard"]
    assert "halve" in [row[1] for row in first]
    assert "1.00 ms" not in str(first)


@pytest.mark.parametrize("address", [implementation_address, problem_address, suite_address])
def test_names_that_read_alike_have_addresses_of_their_own(address):
    names = ["a b", "a-b", "a/b", "a" * 300, "a" * 299, "ä", "ö", "..", "<b>", ""]
    given = [(name,) if address is suite_address else ("toy", name) for name in names]
    found = [address(*one) for one in given]
    assert len(set(found)) == len(names)
    assert all(re.fullmatch(r"(toy/)?[A-Za-z0-9~_.-]{1,120}\.html", one) for one in found)


def test_a_duels_address_has_no_order():
    assert duel_address("toy", "a", "b") == duel_address("toy", "b", "a")
    assert duel_address("toy", "a-vs-b", "c") != duel_address("toy", "a", "b-vs-c")


def test_profiles_over_ratios_and_over_calls_name_their_pool(site):
    text = site(by_hand())["toy.html"].text
    assert "within a ratio of the best implementation's median time" in text
    assert "with so many weighted oracle calls. noisy: 100 % in the end" in text.replace(
        "\xa0", " "
    )
    assert text.count("pool ") == 2


def test_no_data_profile_without_counted_calls(site):
    runs = by_hand()
    for run in runs:
        run.checkpoints = [dataclasses.replace(point, oracles={}) for point in run.checkpoints]
    assert "No run that counted its oracle calls reached a target" in site(runs)["toy.html"].text
