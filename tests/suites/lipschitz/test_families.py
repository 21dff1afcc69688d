"""The families say what their problems are, and hold what the tiers promise."""

from collections import defaultdict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.errors import TiltyardError
from tiltyard.names import parse_name
from tiltyard.registry import discover
from tiltyard.suites.lipschitz.layers import Dense
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.storage import pack

FOUND = discover(())
TRAINED = {
    "digits-local-linf",
    "digits-local-l2",
    "digits-global-l2",
    "digits-sorting",
    "table-monotonicity",
}


def build(name):
    return FOUND.build("lipschitz", name)


def names(tier):
    return [name for family in FOUND.families_of("lipschitz") for name in family.names(tier)]


def test_every_trained_network_comes_in_five_seeds_with_twenty_points():
    seeds = defaultdict(set)
    for name in names("standard"):
        family, parameters = parse_name(name)
        if family not in TRAINED:
            continue
        assert parameters.get("points", "20") == "20"
        seed = parameters.pop("seed")
        seeds[family, *sorted(parameters.items())].add(seed)
    assert len(seeds) > 30
    assert all(found == set("01234") for found in seeds.values())


@pytest.mark.parametrize("tier", ["smoke", "standard"])
def test_the_tier_covers_every_track(tier):
    tracks = {FOUND.track("lipschitz", name) for name in names(tier)}
    assert tracks >= {
        "local-linf",
        "local-l2",
        "global-l2",
        "monotonicity",
        "sorting-l2",
        "sorting-linf",
    }


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        (
            "digits-local-linf[network=16-8-8-10,radius=0.25]",
            {"norm": "linf", "region": "box", "clipped": True, "regions": 20, "n": 16, "depth": 2},
        ),
        (
            "digits-local-linf[network=64-100x3-10,points=1,output=7]",
            {"outputs": "row 7", "m": 1, "neurons": 300, "regions": 1, "activation": "relu"},
        ),
        (
            "digits-local-linf[network=conv,output=1-2]",
            {"outputs": "row 1 - row 2", "neurons": 96, "architecture": "chain"},
        ),
        ("digits-local-linf[network=residual]", {"architecture": "residual"}),
        ("digits-local-linf[network=gelu]", {"activation": "gelu"}),
        ("digits-local-l2[radius=0.5]", {"norm": "l2", "region": "ball", "clipped": False}),
        ("digits-global-l2[network=tanh]", {"region": "global", "activation": "tanh"}),
        ("digits-sorting[norm=linf]", {"norm": "linf", "activation": "groupsort"}),
        ("digits-sorting[network=householder]", {"norm": "l2", "activation": "householder"}),
        ("table-monotonicity", {"norm": "partial", "outputs": "row 0", "n": 10, "clipped": True}),
        ("random-global-l2[inputs=784,width=256,depth=1]", {"n": 784, "neurons": 256, "depth": 1}),
        ("random-local-linf[width=1024,depth=8]", {"width": 1024, "depth": 8, "neurons": 8192}),
        ("random-sorting[depth=0,width=6]", {"n": 6, "m": 6, "depth": 1}),
    ],
)
def test_a_problem_states_what_it_asks(name, facts):
    problem = build(name)
    assert facts.items() <= problem.facts.items()
    assert problem.facts["input_scaling"]
    if problem.facts["n"] in {16, 64} and not name.startswith("random"):
        assert "pixels / 16" in problem.facts["input_scaling"]


@pytest.mark.parametrize("name", sorted(set(names("smoke"))))
def test_centers_lie_in_their_boxes_and_boxes_in_the_range(name):
    problem = build(name)
    if problem.region != "box":
        return
    lower, upper = problem.box
    assert ((lower <= problem.centers) & (problem.centers <= upper)).all()
    assert lower.min() >= 0.0
    assert upper.max() <= 1.0


def test_rows_and_differences_are_those_of_the_whole_network():
    x = torch.tensor(build("digits-local-linf").centers)
    whole, row, difference = (
        build(f"digits-local-linf[output={output}]").network.apply(x)
        for output in ("all", "7", "1-2")
    )
    torch.testing.assert_close(row[:, 0], whole[:, 7])
    torch.testing.assert_close(difference[:, 0], whole[:, 1] - whole[:, 2])


def test_first_and_points_choose_test_points():
    every = build("digits-local-linf").centers
    some = build("digits-local-linf[first=5,points=3]").centers
    np.testing.assert_array_equal(some, every[5:8])


def test_instances_of_random_networks_differ():
    first, second = (build(f"random-global-l2[instance={i}]").network.layers[0] for i in (0, 1))
    assert not np.allclose(first.weight, second.weight)


@given(kind=st.sampled_from(["maxmin", "groupsort4", "householder"]), seed=st.integers(0, 20))
def test_a_single_sorting_layer_has_constant_one(kind, seed):
    network = build(f"random-sorting[kind={kind},width=8,depth=0,instance={seed}]").network
    x = torch.as_tensor(np.random.default_rng(seed).standard_normal(8))
    J = torch.autograd.functional.jacobian(lambda x: network.apply(x[None])[0], x)
    torch.testing.assert_close(J @ J.T, torch.eye(8, dtype=torch.float64))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("digits-local-linf[network=64-33-10]", "unknown network '64-33-10'; did you mean 64-32"),
        ("digits-local-linf[network=maxmin]", "unknown network"),
        ("digits-local-linf[seed=5]", "seeds 0 to 4, not 5"),
        ("digits-local-linf[seed=-1]", "seeds 0 to 4"),
        ("digits-local-linf[points=0]", "not among the 100 test points"),
        ("digits-local-linf[first=90]", "not among the 100 test points"),
        ("digits-local-linf[first=-3]", "not among"),
        ("digits-local-linf[radius=0]", "radius must be positive, found 0"),
        ("digits-local-l2[radius=-0.1]", "radius must be positive"),
        ("digits-local-linf[output=10]", "not of the network's 10 rows"),
        ("digits-local-linf[output=3-3]", "not of the network's"),
        ("digits-local-linf[output=first]", "output=first is neither all, nor a row"),
        ("digits-local-linf[output=1-]", "output=1- is neither all, nor a row"),
        ("digits-sorting[norm=l1]", "unknown norm 'l1'"),
        ("random-sorting[norm=l1]", "unknown norm 'l1'"),
        ("random-sorting[kind=relu]", "unknown kind 'relu'"),
        ("random-sorting[kind=groupsort4,width=6]", "groups of 4"),
        ("random-sorting[kind=householder,width=7]", "7 neurons do not divide into pairs"),
        ("random-sorting[depth=-1]", "depth of at least 0"),
        ("random-global-l2[depth=0]", "positive inputs, width, depth"),
        ("random-global-l2[kind=swish]", "unknown activation 'swish'"),
        ("random-local-linf[points=0]", "a box needs a center"),
        ("table-monotonicity[features=10]", "feature 10 is none of the network's 10 inputs"),
        ("table-monotonicity[features=2-2]", "neither all nor different numbers"),
        ("table-monotonicity[features=bmi]", "neither all nor different numbers"),
    ],
)
def test_parameters_out_of_range_are_refused(name, message):
    with pytest.raises(TiltyardError, match=message) as caught:
        build(name)
    assert "\n" not in str(caught.value)


@pytest.fixture
def files(tmp_path):
    """Write a network of 3 inputs and 2 outputs, and two points."""
    rng = np.random.default_rng(0)
    network = Network(3, (Dense(rng.standard_normal((2, 3)), np.zeros(2)),))
    np.savez(tmp_path / "net.npz", **pack(network))
    (tmp_path / "points.csv").write_text("0.1,0.2,0.3\n0.4,0.5,0.6\n")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        ("track=local-linf,clip=0:1", {"norm": "linf", "clipped": True, "regions": 2}),
        ("track=local-linf", {"norm": "linf", "clipped": False, "region": "box"}),
        ("track=local-l2,scaling=metres", {"region": "ball", "input_scaling": "metres"}),
        ("track=monotonicity,output=1,features=0-2", {"norm": "partial", "outputs": "row 1"}),
    ],
)
def test_a_network_of_ones_own_around_points(files, options, facts):
    problem = build(f"own-local[file={files}/net.npz,points={files}/points.csv,{options}]")
    assert facts.items() <= problem.facts.items()
    np.testing.assert_array_equal(problem.centers, [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])


@pytest.mark.parametrize(
    ("track", "norm"), [("global-l2", "l2"), ("sorting-l2", "l2"), ("sorting-linf", "linf")]
)
def test_a_network_of_ones_own_over_all_inputs(files, track, norm):
    problem = build(f"own-global[file={files}/net.npz,track={track}]")
    assert problem.facts["track"] == track
    assert problem.facts["norm"] == norm
    assert FOUND.track("lipschitz", f"own-global[file=net.npz,track={track}]") == track


@pytest.mark.parametrize("data", [[0.1, 0.2, 0.3], [[0.1, 0.2, 0.3]]])
def test_points_may_come_as_npy(files, data):
    np.save(files / "points.npy", np.float32(data))
    problem = build(f"own-local[file={files}/net.npz,points={files}/points.npy]")
    assert problem.centers.shape == (1, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("radius=0", "radius must be positive"),
        ("radius=-1", "radius must be positive"),
        ("clip=0.7:1", "the region is empty"),
        ("clip=1:0", "the region is empty"),
        ("clip=wide", "clip=wide is neither"),
        ("track=local-l2,clip=0:1", "only boxes are cut"),
        ("track=global-l2", "unknown track"),
        ("track=monotonicity", "partial derivatives need one output"),
        ("output=2", "not of the network's 2 rows"),
        ("shape=8x8", "shape=8x8 is neither"),
    ],
)
def test_options_at_fault_are_refused(files, options, message):
    source = "net.pt" if "shape" in options else "net.npz"
    with pytest.raises(TiltyardError, match=message) as caught:
        build(f"own-local[file={files}/{source},points={files}/points.csv,{options}]")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.csv", "a,b,c\n", "no table of numbers"),
        ("p.csv", "1,2,3\n1,2\n", "no table of numbers"),
        ("p.csv", "", "no table of finite numbers"),
        ("p.csv", "1,2,nan\n", "no table of finite numbers"),
        ("p.csv", "1,2\n", r"\(1, 2\) are no points of the network's 3 inputs"),
        ("p.npy", "text", "no table of numbers"),
        ("p.npy", "", "no table of numbers"),
    ],
)
def test_points_at_fault_are_refused(files, name, content, message):
    (files / name).write_text(content)
    with pytest.raises(TiltyardError, match=message) as caught:
        build(f"own-local[file={files}/net.npz,points={files}/{name}]")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("family", ["own-local", "own-global"])
def test_files_that_are_none_are_refused(files, family):
    for name, message in (("net.txt", "its name ends in none of"), ("no.npz", "cannot be read")):
        with pytest.raises(TiltyardError, match=message):
            build(f"{family}[file={files}/{name}]")
    with pytest.raises(TiltyardError, match="is not a file"):
        FOUND.data_of("lipschitz", f"{family}[file=nowhere.pt]")
