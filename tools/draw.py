"""Faults drawn at random: one change on one line of Python (an operation, a comparison, a number, a twin, an order) or JavaScript."""

import ast
import random
import re

BINARY = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.MatMult: ast.Mult, ast.Pow: ast.Mult}
COMPARE = {ast.Lt: ast.GtE, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.GtE: ast.Lt,
           ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is}
TWINS = {"sin": "cos", "cos": "sin", "sum": "mean", "mean": "sum", "exp": "expm1", "max": "min", "min": "max", "sqrt": "square", "log": "log1p",
         "softmax": "log_softmax", "cumsum": "cumprod", "amax": "amin", "amin": "amax", "floor": "ceil", "all": "any", "any": "all"}
SCRIPT = [(r" \+ ", " - "), (r" - ", " + "), (r" \* ", " / "), (r" / ", " * "), (r" < ", " >= "), (r" > ", " <= "), (r" >= ", " < "),
          (r" <= ", " > "), (r" === ", " !== "), (r" !== ", " === "), (r" && ", " || "), (r" \|\| ", " && "), (r"Math\.min", "Math.max"),
          (r"Math\.max", "Math.min"), (r"Math\.sin", "Math.cos"), (r"Math\.cos", "Math.sin"), (r"Math\.floor", "Math.ceil"),
          (r"Math\.ceil", "Math.floor"), (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"(?<![\w.])0(?![\w.])", "1"),
          (r"(?<![\w.])1(?![\w.])", "2"), (r"(?<![\w.])2(?![\w.])", "3"), (r"\bleft\b", "right"), (r"\btop\b", "bottom"), (r"\(!", "(")]


def changes(node):
    """Copies of an expression with one fault in its head."""
    if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
        yield ast.BinOp(node.left, BINARY[type(node.op)](), node.right)
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARE:
        yield ast.Compare(node.left, [COMPARE[type(node.ops[0])](), *node.ops[1:]], node.comparators)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield node.operand
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Attribute) and node.attr in TWINS:
        yield ast.Attribute(node.value, TWINS[node.attr], node.ctx)
    elif isinstance(node, ast.Call) and len(node.args) >= 2 and not any(isinstance(a, ast.Starred) for a in node.args[:2]):
        yield ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)


def in_python(source):
    """(line number, line with a fault) for every place where one can be planted; texts within f-strings stay."""
    lines, tree = source.splitlines(), ast.parse(source)
    within = {id(part) for text in ast.walk(tree) if isinstance(text, ast.JoinedStr) for part in ast.walk(text)}
    for node in ast.walk(tree):
        if id(node) in within or getattr(node, "lineno", None) is None or node.lineno != node.end_lineno:
            continue
        for change in changes(node):
            line = lines[node.lineno - 1].encode()  # columns count bytes
            text = ast.unparse(ast.fix_missing_locations(change)).encode()
            closed = b"(" + text + b")" if isinstance(change, (ast.BinOp, ast.Compare)) else text
            yield node.lineno, (line[:node.col_offset] + closed + line[node.end_col_offset:]).decode()


def in_script(source):
    """The same for JavaScript, by its text; comments stay."""
    for number, line in enumerate(source.splitlines(), 1):
        code = line.split("//")[0]
        for pattern, other in SCRIPT:
            for found in re.finditer(pattern, code):
                yield number, line[:found.start()] + other + line[found.end():]


def drawn(source, path, n, seed=0):
    """n faults (line before, line after), at most one a line, on lines that stand once in the source."""
    lines = source.splitlines()
    places = {}
    for number, text in (in_script if path.endswith(".js") else in_python)(source):
        before = lines[number - 1]
        if source.count(before.strip()) == 1 and text != before:
            places.setdefault(number, []).append((before.strip(), text.strip()))
    rng = random.Random(seed)
    return [rng.choice(places[number]) for number in sorted(rng.sample(sorted(places), min(n, len(places))))]
