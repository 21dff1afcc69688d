"""ONNX graphs are read faithfully, or refused by the operator's name."""

import numpy as np
import pytest
import torch
from torch import nn

from tiltyard.errors import TiltyardError, Unsupported
from tiltyard.suites.lipschitz import onnx_graphs
from tiltyard.suites.lipschitz.onnx_graphs import read_onnx

onnx = pytest.importorskip("onnx")
node = onnx.helper.make_node
F = torch.nn.functional


def save(path, nodes, constants, shape=("batch", 4), output="y", opset=20):
    """Write a graph of one input x."""
    floats = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "net",
        [onnx.helper.make_tensor_value_info("x", floats, shape)],
        [onnx.helper.make_tensor_value_info(output, floats, ["batch", "m"])],
        [
            onnx.numpy_helper.from_array(np.asarray(value), name)
            for name, value in constants.items()
        ],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
    onnx.save(model, path)


def numbers(*shape):
    rng = np.random.default_rng(len(shape) + sum(shape))
    return rng.standard_normal(shape).astype(np.float32)


def double(array):
    return torch.as_tensor(array, dtype=torch.float64)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.onnx"


def check(path, wanted, *shape):
    x = torch.randn(6, *shape, dtype=torch.float64)
    network = read_onnx(path)
    torch.testing.assert_close(network.apply(x.flatten(1)), wanted(x).flatten(1))
    return network


@pytest.mark.parametrize(
    ("operator", "options", "function", "kind"),
    [
        ("Relu", {}, torch.relu, "relu"),
        ("LeakyRelu", {"alpha": 0.5}, lambda z: F.leaky_relu(z, 0.5), "leaky_relu"),
        ("Tanh", {}, torch.tanh, "tanh"),
        ("Sigmoid", {}, torch.sigmoid, "sigmoid"),
        ("Softplus", {}, F.softplus, "softplus"),
        ("Gelu", {}, F.gelu, "gelu"),
        ("Identity", {}, lambda z: z, "none"),
    ],
)
def test_dense_layers_and_activations(path, operator, options, function, kind):
    A, b, B, c = numbers(5, 4), numbers(5), numbers(5, 3), numbers(3)
    nodes = [
        node("Gemm", ["x", "A", "b"], ["1"], transB=1, alpha=2.0, beta=3.0),
        node(operator, ["1"], ["2"], **options),
        node("MatMul", ["2", "B"], ["3"]),
        node("Add", ["c", "3"], ["y"]),
    ]
    save(path, nodes, {"A": A, "b": b, "B": B, "c": c})
    A, b, B, c = (double(one) for one in (A, b, B, c))
    network = check(path, lambda x: function(2 * x @ A.T + 3 * b) @ B + c, 4)
    assert network.activation == kind
    assert len(network.layers) == 2 + (kind != "none")


def test_images(path):
    K, k, W = numbers(3, 2, 3, 3), numbers(3), numbers(27, 2)
    s, mean, variance = numbers(3), numbers(3), np.float32([1, 2, 3])
    nodes = [
        node("Sub", ["x", "half"], ["0"]),
        node("Conv", ["0", "K", "k"], ["1"], strides=[2, 2], pads=[1] * 4),
        node("BatchNormalization", ["1", "s", "s", "mean", "variance"], ["2"], epsilon=0.1),
        node("Relu", ["2"], ["3"]),
        node("Mul", ["3", "two"], ["4"]),
        node("Div", ["4", "columns"], ["5"]),
        node("Reshape", ["5", "flat"], ["6"]),
        node("Gemm", ["6", "W"], ["y"]),
    ]
    columns = np.float32([[[1, 2, 4]]])
    constants = {"K": K, "k": k, "W": W, "s": s, "mean": mean, "variance": variance}
    constants |= {"half": np.float32(0.5), "two": np.float32(2), "columns": columns}
    save(path, nodes, constants | {"flat": np.int64([0, -1])}, (1, 2, 5, 5))

    def wanted(x):
        z = F.conv2d(x - 0.5, double(K), double(k), 2, 1)
        parts = (double(one) for one in (mean, variance, s, s))
        z = torch.relu(F.batch_norm(z, *parts, eps=float(np.float32(0.1))))
        return (2 * z / double(columns)).flatten(1) @ double(W)

    check(path, wanted, 2, 5, 5)


def test_a_residual_block(path):
    A, B, C = numbers(4, 6), numbers(6, 4), numbers(4, 2)
    nodes = [
        node("Tanh", ["x"], ["0"]),
        node("MatMul", ["0", "A"], ["1"]),
        node("Relu", ["1"], ["2"]),
        node("MatMul", ["2", "B"], ["3"]),
        node("Add", ["3", "0"], ["4"]),
        node("Add", ["4", "4"], ["5"]),
        node("MatMul", ["5", "C"], ["y"]),
    ]
    save(path, nodes, {"A": A, "B": B, "C": C})
    A, B, C = (double(one) for one in (A, B, C))

    def wanted(x):
        z = torch.tanh(x)
        return 2 * (torch.relu(z @ A) @ B + z) @ C

    assert check(path, wanted, 4).architecture == "residual"


def test_constants_in_the_graph_and_constants_minus_values(path):
    value = onnx.numpy_helper.from_array(np.float32([1, 2, 3, 4]), "value")
    nodes = [node("Constant", [], ["c"], value=value), node("Sub", ["c", "x"], ["y"])]
    save(path, nodes, {})
    check(path, lambda x: torch.tensor([1.0, 2, 3, 4], dtype=torch.float64) - x, 4)


W = {"W": numbers(4, 4)}
IMAGE = ("batch", 4, 6, 6)
K = {"K": numbers(4, 4, 3, 3), "half": numbers(4, 2, 3, 3)}


@pytest.mark.parametrize(
    ("nodes", "constants", "shape", "message"),
    [
        ([node("Erf", ["x"], ["y"], name="gelu/erf")], {}, (1, 4), r"layer Erf \(gelu/erf\)"),
        ([node("Softmax", ["x"], ["y"])], {}, (1, 4), "layer Softmax"),
        ([node("Gelu", ["x"], ["y"], approximate="tanh")], {}, (1, 4), "approximate=tanh"),
        ([node("Gemm", ["x", "W"], ["y"], transA=1)], W, (4, 4), "transA=1"),
        ([node("MatMul", ["x", "x"], ["y"])], {}, (4, 4), "not constant"),
        ([node("MatMul", ["x", "W"], ["y"])], W, (1, 4, 4), "not of vectors"),
        ([node("Mul", ["x", "x"], ["y"])], {}, (1, 4), "two values that depend"),
        ([node("Div", ["c", "x"], ["y"])], {"c": numbers(4)}, (1, 4), "constant by a value"),
        ([node("Flatten", ["x"], ["y"], axis=0)], {}, IMAGE, "axis=0"),
        (
            [node("Reshape", ["x", "s"], ["y"])],
            {"s": np.int64([2, 2])},
            (1, 4),
            r"Reshape to \[2, 2\]",
        ),
        ([node("Conv", ["x", "half"], ["y"], group=2)], K, IMAGE, "group=2"),
        ([node("Conv", ["x", "K"], ["y"], dilations=[2, 2])], K, IMAGE, "dilations"),
        ([node("Conv", ["x", "K"], ["y"], auto_pad="SAME_UPPER")], K, IMAGE, "SAME_UPPER"),
        ([node("Conv", ["x", "K"], ["y"], pads=[0, 0, 1, 1])], K, IMAGE, "pads"),
        (
            [
                node("Tanh", ["x"], ["0"]),
                node("Relu", ["x"], ["1"]),
                node("Add", ["0", "1"], ["y"]),
            ],
            {},
            (1, 4),
            "neither of which",
        ),
    ],
)
def test_unsupported_operators_are_named(path, nodes, constants, shape, message):
    save(path, nodes, constants, shape)
    with pytest.raises(Unsupported, match=message) as caught:
        read_onnx(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("nodes", "constants", "shape", "message"),
    [
        ([node("MatMul", ["x", "W"], ["y"])], {"W": numbers(3, 4)}, (1, 4), "3 inputs follows 4"),
        ([node("MatMul", ["x", "W"], ["y"])], {"W": W["W"] * np.nan}, (1, 4), "NaN"),
        ([node("Div", ["x", "W"], ["y"])], {"W": np.zeros(4, np.float32)}, (1, 4), "infinity"),
        ([node("Add", ["x", "W"], ["y"])], {"W": numbers(3)}, (1, 4), "does not spread"),
        ([node("Relu", ["x"], ["y"])], {}, (1, "n"), "known size"),
        ([node("Relu", ["x"], ["y"])], {}, (4,), "batch's axis"),
        ([node("Identity", ["x"], ["y"])], {}, (1, 4), "by any layer"),
        ([node("Relu", ["z"], ["y"])], {}, (1, 4), "no valid ONNX file"),
    ],
)
def test_graphs_at_fault_are_refused(path, nodes, constants, shape, message):
    save(path, nodes, constants, shape)
    with pytest.raises(TiltyardError, match=message) as caught:
        read_onnx(path)
    assert "\n" not in str(caught.value)


def test_corrupt_files_are_refused(path):
    with pytest.raises(TiltyardError, match="cannot be read"):
        read_onnx(path)
    save(path, [node("MatMul", ["x", "W"], ["y"])], W)
    whole = path.read_bytes()
    for data in (b"", b"\x00" * 30, b"not a graph", whole[:30], whole[:-20]):
        path.write_bytes(data)
        with pytest.raises(TiltyardError, match="no valid ONNX file"):
            read_onnx(path)


def test_no_other_file_is_read(path):
    save(path, [node("MatMul", ["x", "W"], ["y"])], {"W": numbers(40, 40)}, (1, 40))
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    with pytest.raises(Unsupported, match="keeps the weights W in another file"):
        read_onnx(path)


def test_without_the_package_the_command_that_helps_is_told(path, monkeypatch):
    monkeypatch.setattr(onnx_graphs, "ONNX", {"no_such_module": "tiltyard[onnx]"})
    with pytest.raises(TiltyardError, match=r"pip install 'tiltyard\[onnx\]'"):
        read_onnx(path)


def test_an_entrywise_layer_of_many_entries_is_refused(path):
    save(path, [node("Mul", ["x", "c"], ["y"])], {"c": numbers(5000)}, (1, 5000))
    with pytest.raises(Unsupported, match="5000 entries"):
        read_onnx(path)


def test_a_torch_module_and_its_graph_agree(path):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 5), nn.Softplus(), nn.Linear(5, 2))
    constants = {name: value.detach().numpy() for name, value in module.named_parameters()}
    nodes = [
        node("Gemm", ["x", "0.weight", "0.bias"], ["1"], transB=1),
        node("Softplus", ["1"], ["2"]),
        node("Gemm", ["2", "2.weight", "2.bias"], ["y"], transB=1),
    ]
    save(path, nodes, constants)
    module.double()
    check(path, lambda x: module(x).detach(), 4)
