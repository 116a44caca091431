"""An exported file holds its mathematics and nothing else: no traces, no long names, the same results. A broken one fails at once."""

import sys
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from companion.live import export, models


def model(*nodes):
    """y = (x + c) * c with names and notes as an exporter leaves them."""
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2]), helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])
    c = numpy_helper.from_array(np.array([2.0, 3.0], "<f4"), "a_very_long_constant")
    graph = helper.make_graph(list(nodes), "main_graph", [value[0]], [value[1]], [c], doc_string="graph")
    graph.value_info.append(helper.make_tensor_value_info("a_very_long_sum", TensorProto.FLOAT, [2]))
    for holder in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        entry = holder.metadata_props.add()
        entry.key, entry.value = "trace", "/somebody/file.py"
        holder.doc_string = "note"
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    made.metadata_props.add().key = "somebody"
    return made


def straight():
    return model(helper.make_node("Add", ["x", "a_very_long_constant"], ["a_very_long_sum"], name="node_1"),
                 helper.make_node("Mul", ["a_very_long_sum", "a_very_long_constant"], ["y"], name="node_2"))


def result(made):
    x = np.array([1.0, -1.0], "<f4")
    return onnxruntime.InferenceSession(made.SerializeToString()).run(None, {"x": x})[0].tolist()


def test_a_stripped_file_computes_the_same_and_tells_nothing():
    before, after = straight(), models.stripped(straight())
    assert result(before) == result(after) == [6, 6]
    text = after.SerializeToString()
    assert not any(word in text for word in (b"long", b"somebody", b"note", b"node_", b"trace", b"main_graph")) and after.graph.name == "g"
    assert [list(n.input) + list(n.output) for n in after.graph.node] == [["x", "_0", "_1"], ["_1", "_0", "y"]]
    assert after.graph.initializer[0].name == "_0" and not after.graph.value_info
    onnx.checker.check_model(after)


def test_a_graph_inside_a_graph_keeps_its_names():
    branch = helper.make_graph([helper.make_node("Identity", ["a_very_long_constant"], ["out"])], "branch", [],
                               [helper.make_tensor_value_info("out", TensorProto.FLOAT, [2])])
    yes = helper.make_node("Constant", [], ["yes"], value=numpy_helper.from_array(np.array(True)))
    both = model(yes, helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch))
    both.graph.ClearField("value_info")
    after = models.stripped(both)
    assert after.graph.initializer[0].name == "a_very_long_constant" and result(after) == [2, 3]


def test_a_trace_names_its_constants_by_value_and_its_inputs_by_shape():
    def key(program, **inputs):
        traced, outputs = export.trace(program, inputs, {})
        return export.key(traced, inputs, {}, outputs)

    x, c = torch.zeros(3), torch.ones(3)

    def add(c, name="next"):
        return lambda inputs: {name: inputs["x"] + c}

    keys = [key(add(c), x=x), key(add(2 * c), x=x), key(add(c, "other"), x=x), key(add(c[:1]), x=x), key(add(c[:1]), x=x[:2]),
            key(add(c.double()), x=x), key(add(c), x=x.double())]
    assert len(set(keys)) == len(keys) and key(add(c.clone()), x=x + 1) == keys[0]


def test_torchs_own_names_do_not_meet_those_of_the_inputs():
    """A transpose is called t in a trace, and so is the time."""
    inputs = {"x": torch.rand(2, 3), "t": torch.tensor(0.5)}
    traced, outputs = export.trace(lambda known: {"next": known["x"].t() * known["t"]}, inputs, {})
    assert "t" in [node.name for node in traced.graph.nodes]
    session = onnxruntime.InferenceSession(export.to_onnx(traced, inputs, {}, outputs))
    assert {i.name for i in session.get_inputs()} == {"x", "t"}
    assert np.allclose(session.run(None, {n: v.numpy() for n, v in inputs.items()})[0], inputs["x"].numpy().T / 2)


def test_a_whole_model_passes_and_one_that_reads_a_value_nobody_computes_does_not(monkeypatch):
    assert models.checked(straight()) == straight().SerializeToString()
    planted = model(helper.make_node("Add", ["x", "nowhere"], ["y"]))
    with pytest.raises(models.Broken, match="nowhere"):
        models.checked(planted)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # a reader without it: the form is checked all the same
    assert models.checked(straight()) == straight().SerializeToString()
    with pytest.raises(models.Broken, match="nowhere"):
        models.checked(planted)


def wide_erf():
    """y = erf(x) in float64: a good form, but onnxruntime has no kernel for it."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.DOUBLE, [2]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Erf", ["x"], ["y"])], "g", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def test_an_operation_without_a_kernel_is_found_before_the_page():
    onnx.checker.check_model(wide_erf())
    with pytest.raises(models.Broken, match="Erf"):
        models.checked(wide_erf())


def test_a_broken_graph_is_not_kept_and_the_error_names_the_figure(monkeypatch, tmp_path):
    monkeypatch.setattr(export.store, "cache", lambda: tmp_path)
    monkeypatch.setattr(export, "unmarked", lambda made: wide_erf())
    figure = SimpleNamespace(name="planted", shape=None, dtype=torch.float32, sliders=[], noise=None)
    with pytest.raises(models.Broken, match=r"figure planted, step: .*Erf"):
        export.graph_of(figure, lambda known: {"next": known["x"] * 1.2345}, "step", torch.rand(3))
    assert not list(tmp_path.iterdir())
