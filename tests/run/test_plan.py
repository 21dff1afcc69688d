"""What a selection turns into."""

import pytest

from tiltyard.errors import TiltyardError
from tiltyard.run.plan import Selection, plan, select_problems
from tiltyard.run.spec import RunSpec
from tiltyard.tuning import draws


def planned(toy, **selection):
    return plan(toy, toy.suite("toy"), Selection(**selection))


def test_default_is_the_smoke_tier_of_every_implementation(toy):
    specs = planned(toy)
    assert {spec.problem for spec in specs} == {
        "line[x0=1.0,instance=0]",
        "line[x0=-2.0,instance=0]",
    }
    assert {spec.implementation for spec in specs} == {m.name for m in toy.methods_of("toy")}
    assert {spec.budget.seconds for spec in specs} == {0.05}


def test_globs_exact_names_and_parameters(toy):
    specs = planned(toy, problems=["line[x0=7]"], implementations=["halve[factor=0.25]", "no*"])
    assert {spec.problem for spec in specs} == {"line[x0=7.0,instance=0]"}
    assert [(spec.implementation, spec.parameters) for spec in specs] == [
        ("halve", {"factor": 0.25}),
        ("noisy", {}),
    ]


def test_brackets_in_a_glob_are_part_of_the_name(toy):
    assert select_problems(toy, "toy", "smoke", ["line[x0=-*"]) == ["line[x0=-2.0,instance=0]"]
    assert len(select_problems(toy, "toy", "smoke", ["line"])) == 2


def test_problem_without_parameters_has_the_familys_name(toy):
    assert toy.canonical("ground", "meadow") == toy.canonical("ground", "meadow[]") == "meadow"
    assert toy.family("ground", "meadow").names("smoke") == ["meadow"]
    for pattern in ("meadow", "meadow[]", "mead*"):
        assert select_problems(toy, "ground", "smoke", [pattern]) == ["meadow"]


def test_problem_without_parameters_is_selected_whatever_its_tier(toy):
    assert select_problems(toy, "ground", "smoke", ["cliff"]) == ["cliff"]
    with pytest.raises(TiltyardError, match="no problem of tier smoke matches 'clif"):
        select_problems(toy, "ground", "smoke", ["clif*"])
    with pytest.raises(TiltyardError, match="meadow has no parameter 'x'; its"):
        select_problems(toy, "ground", "smoke", ["meadow[x=1]"])


def test_track_selects_its_problems(toy):
    assert [toy.track("ground", name) for name in ("meadow", "sample", "sample[name=granite]")] == [
        "soft",
        "soft",
        "hard",
    ]
    assert toy.track("ground", "swamp") == toy.track("toy", "line") == ""
    soft = select_problems(toy, "ground", "smoke", [], "soft")
    assert soft == ["meadow", "sample[name=sand]"]
    assert select_problems(toy, "ground", "smoke", ["sample"], "hard") == ["sample[name=granite]"]
    with pytest.raises(TiltyardError, match="problem cliff is of track hard, not of soft"):
        select_problems(toy, "ground", "smoke", ["cliff"], "soft")
    for suite in ("ground", "toy"):
        with pytest.raises(TiltyardError, match="unknown track 'sof'"):
            select_problems(toy, suite, "smoke", [], "sof")


def test_seeds_and_tier(toy):
    specs = planned(toy, tier="standard", implementations=["noisy"], seeds=3)
    assert sorted(spec.seed for spec in specs) == [0, 0, 1, 1, 2, 2]
    assert {spec.budget.seconds for spec in specs} == {0.2}


def test_tuning_adds_random_configurations_to_the_defaults(toy):
    specs = planned(toy, implementations=["halve", "noisy"], seeds=2, tune=3)
    factors = [spec.parameters["factor"] for spec in specs if spec.implementation == "halve"]
    expected = [0.5, *(one["factor"] for one in draws(toy.implementation("toy", "halve"), 3))]
    assert factors == [factor for factor in expected for _ in range(2)] * 2  # seeds, problems
    assert sum(spec.implementation == "noisy" for spec in specs) == 4  # nothing to tune


def test_a_named_setting_is_run_as_it_is(toy):
    specs = planned(toy, implementations=["halve[factor=0.25]"], tune=3)
    assert {spec.parameters["factor"] for spec in specs} == {0.25}


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"tier": "smok"}, "unknown tier 'smok'; did you mean smoke"),
        ({"problems": ["lime"]}, "unknown problem 'lime'; did you mean line"),
        ({"problems": ["line[x=1]"]}, "problem line has no parameter 'x'; its parameters: x0"),
        ({"problems": ["line[x0=abc]"]}, "line: x0: expected float, got 'abc'"),
        ({"problems": ["line[x0=nan]"]}, "line: x0: expected float, got 'nan'"),
        ({"problems": ["line[x0=1"]}, "is not of the form"),
        ({"problems": ["line[x0=3.0*"]}, "no problem of tier smoke matches .* standard has some"),
        ({"implementations": ["halv"]}, "unknown implementation 'halv'; did you mean halve"),
        ({"implementations": ["x*"]}, "unknown implementation"),
        ({"implementations": ["halve[step=1]"]}, "halve has no parameter 'step'"),
        ({"device": "gpu"}, "device 'gpu' is none of"),
        ({"seconds": 0}, "--seconds must be positive"),
        ({"seeds": -1}, "--seeds must be positive"),
        ({"tune": 0}, "--tune must be positive"),
        ({"tune": 1001}, "--tune must be at most 1000"),
    ],
)
def test_mistakes_get_one_line(toy, selection, message):
    with pytest.raises(TiltyardError, match=message) as caught:
        planned(toy, **selection)
    assert "\n" not in str(caught.value)


def test_identity_is_what_defines_the_run(spec):
    one = spec("halve")
    assert one.id == spec("halve").id == RunSpec.from_json(one.to_json()).id
    others = [
        spec("noisy"),
        spec("halve", seed=1),
        spec("halve", problem="line[x0=2]"),
        spec("halve", factor=0.25),
        spec("halve", device="cuda"),
    ]
    assert len({one.id, *(other.id for other in others)}) == 6


def test_auto_device_without_a_gpu_is_the_cpu(toy, monkeypatch):
    monkeypatch.setattr("tiltyard.run.plan.gpus", list)
    assert {spec.device for spec in planned(toy, device="auto")} == {"cpu"}
    monkeypatch.setattr("tiltyard.run.plan.gpus", lambda: ["a GPU"])
    devices = {spec.implementation: spec.device for spec in planned(toy, device="auto")}
    assert (devices["both_devices"], devices["halve"]) == ("cuda", "cpu")
