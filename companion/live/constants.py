"""Every constant of a traced function keeps its digits on the way to a graph.

The exporter writes a Python number as float32, and its rewriting rules take a small added constant for nothing: in a float64 figure pi becomes
3.14159274, and x / (x + 1e-9) becomes x / x. So, before the export, each number that meets a tensor becomes a constant of that tensor's dtype, as
in torch's own promotion; after it, only what repeats or is not used is removed. No rule that compares constants with a tolerance is applied.
"""

import torch


def kept(graph):
    """The torch.fx graph with the Python numbers of its operations as tensor constants, where the operation has such a form. In place."""
    for node in list(graph.graph.nodes):
        if node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload):
            _keep(graph, node)
    _separate(graph.graph)
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return graph


def _keep(graph, node):
    """Numbers of one operation as tensors of its tensors' dtype, by the twin of the operation that takes tensors there."""
    names = [a.name for a in node.target._schema.arguments]
    given = {**dict(zip(names, node.args, strict=False)), **node.kwargs}
    numbers = {n: v for n, v in given.items() if type(v) is float}
    if numbers and not node.all_input_nodes:
        return _made_here(graph, node)
    if "fill_value" in numbers:
        return _fill(graph, node, given)
    dtype = _dtype([_value(graph, v) for v in given.values() if isinstance(v, torch.fx.Node)])
    if not numbers or dtype is None:
        return
    twin = _twin(node.target, numbers)
    if twin is None:
        return _refuse_loss(node, numbers, dtype)
    with graph.graph.inserting_before(node):
        made = {n: _constant(graph, torch.tensor(v, dtype=dtype)) for n, v in numbers.items()}
        node.target, node.args, node.kwargs = twin, (), {**given, **made}


def _made_here(graph, node):
    """A tensor made of numbers alone, as a grid, is the tensor that torch makes of them."""
    with graph.graph.inserting_before(node):
        node.replace_all_uses_with(_constant(graph, node.target(*node.args, **node.kwargs)))


def _separate(graph):
    """An output that is an input as it came gets a node of its own: a graph has no value with two names."""
    (output,) = graph.find_nodes(op="output")
    for node in [n for n in output.all_input_nodes if n.op == "placeholder"]:
        with graph.inserting_before(output):
            alone = graph.call_function(torch.ops.aten.add.Tensor, (node, 0))
        alone.meta["val"] = node.meta["val"]
        output.replace_input_with(node, alone)


def _fill(graph, node, given):
    """A tensor full of a number is the number times a tensor of ones."""
    ones, made = {**given, "fill_value": 1.0}, node.meta["val"]
    with graph.graph.inserting_after(node):
        number = _constant(graph, torch.tensor(given["fill_value"], dtype=made.dtype))
    with graph.graph.inserting_after(number):
        filled = graph.graph.call_function(torch.ops.aten.mul.Tensor, (node, number))
    filled.meta["val"] = made
    node.replace_all_uses_with(filled, delete_user_cb=lambda user: user is not filled)
    node.args, node.kwargs = (), ones


def _value(graph, node):
    """What the node stood for in the trace."""
    return getattr(graph, node.target) if node.op == "get_attr" else node.meta.get("val")


def _dtype(values):
    """The floating dtype that torch's promotion gives to tensors with axes, else without; None where no tensor is floating."""
    values = [v for v in values if isinstance(v, torch.Tensor)]
    floating = [v for v in values if v.is_floating_point()]
    chosen = [v for v in floating if v.ndim] or floating
    if not chosen or any(v.ndim and not v.is_floating_point() and not any(f.ndim for f in floating) for v in values):
        return None
    return max((v.dtype for v in chosen), key=lambda d: d.itemsize)


def _twin(target, numbers):
    """The overload with the same argument names that takes tensors for `numbers`, or None."""
    for name in target._overloadpacket.overloads():
        other = getattr(target._overloadpacket, name)
        kinds = {a.name: str(a.type) for a in other._schema.arguments}
        if list(kinds) == [a.name for a in target._schema.arguments] and all("Tensor" in kinds[n] for n in numbers):
            return other
    return None


def _constant(graph, value):
    """A node that holds the tensor."""
    name = next(n for n in (f"number{i}" for i in range(10**6)) if not hasattr(graph, n))
    graph.register_buffer(name, value)
    node = graph.graph.get_attr(name)
    node.meta["val"] = value
    return node


class Lost(ValueError):
    """A constant that the exporter would round."""


def _refuse_loss(node, numbers, dtype):
    """Operations that hold their number as an attribute of float32. Raises Lost where this changes it."""
    for name, value in numbers.items():
        if dtype == torch.float64 and torch.tensor(value, dtype=torch.float32).item() != value:
            raise Lost(f"{node.target} holds {name} = {value!r}, which a graph keeps as float32 only; write it with a tensor: "
                       f"torch.tensor({value!r}, dtype=x.dtype).")


def lean(program):
    """The exported program's model without what repeats, what is constant, or what nobody reads; no constant is changed."""
    import onnx_ir.passes.common as passes
    from onnx_ir.passes import Sequential
    from onnxscript.optimizer import fold_constants

    Sequential(passes.InlinePass())(program.model)
    fold_constants(program.model)
    tidy = [passes.RemoveUnusedNodesPass(), passes.RemoveUnusedFunctionsPass(), passes.RemoveUnusedOpsetsPass(),
            passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0), passes.LiftSubgraphInitializersToMainGraphPass(),
            passes.DeduplicateInitializersPass(), passes.CommonSubexpressionEliminationPass(), passes.OutputFixPass(), passes.NameFixPass(),
            passes.RemoveUnusedNodesPass()]
    Sequential(*tidy)(program.model)
    return program.model_proto
