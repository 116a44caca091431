"""ONNX models as a page wants them: without what nobody reads, under the names of the figure, and sure to open."""


class Broken(ValueError):
    """An exported graph that no page could run."""


def checked(model):
    """The model's bytes. Raises Broken if it is not well formed, or, where onnxruntime is installed, if no session opens on it."""
    import onnx

    data = model.SerializeToString()
    try:
        onnx.checker.check_model(data)
        opened(data)
    except Exception as error:  # each of the two has error classes of its own
        raise Broken(f"the exporter made a graph that a page cannot run: {str(error).strip()}") from error
    return data


def opened(data):
    """Open a session on the bytes: it also finds operations without a kernel."""
    try:
        import onnxruntime
    except ImportError:  # optional: the form alone is checked
        return
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # the exception tells the same
    onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def stripped(model):
    """The model without stack traces, names of nodes and shapes of intermediate values."""
    for node in model.graph.node:
        for what in ("metadata_props", "doc_string", "name"):
            node.ClearField(what)
    for item in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        item.ClearField("metadata_props")
        item.ClearField("doc_string")
    for what in ("metadata_props", "value_info", "doc_string", "name"):
        model.graph.ClearField(what)
    model.graph.name = "g"
    model.ClearField("metadata_props")
    return renamed(model)


def renamed(model):
    """The model with short names for its intermediate values; a model with graphs inside graphs keeps its names."""
    graph = model.graph
    if any(a.HasField("g") for node in graph.node for a in node.attribute):
        return model
    kept = {v.name for v in [*graph.input, *graph.output]} | {""}
    short = {}
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [n if n in kept else short.setdefault(n, f"_{len(short)}") for n in names]
    for constant in graph.initializer:
        constant.name = short.get(constant.name, constant.name)
    return model


def unmarked(model):
    """The model with the inputs "x:", "t:" called x, t. Exported with a mark, because torch calls its own values t, x too (t: a transpose)."""
    def walk(graph):
        for value in graph.input:
            value.name = value.name.removesuffix(":")
        for node in graph.node:
            node.input[:] = [n.removesuffix(":") for n in node.input]
            for a in node.attribute:
                if a.HasField("g"):
                    walk(a.g)

    walk(model.graph)
    return model
