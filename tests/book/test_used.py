"""A public function that only its tests use is taught, or deleted: each is called in a notebook, in the package or in the bench."""

import ast
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAGIC = re.compile(r"^([ \t]*)[%!].*$", re.MULTILINE)

# what is owed: functions that wait for a place in a chapter, or for their end
OWED = set("""
companion.architectures.control.direct.rollout
companion.architectures.control.double_integrator.fuel
companion.architectures.control.double_integrator.time_feedback
companion.architectures.control.linear_quadratic.riccati_field
companion.architectures.control.shooting.transversality
companion.architectures.neural_control.layers.refined
companion.data.sample_mixture
companion.energies.functionals.interaction
companion.energies.functionals.kl_blob
companion.energies.functionals.potential_energy
companion.figures.plots.densities
companion.gaussians.bures.geodesic
companion.gaussians.bures.transport_map
companion.gaussians.laws.ornstein_uhlenbeck
companion.gaussians.laws.relative_fisher
companion.live.exporter.serve
companion.live.tapes.decoded
companion.sampling.generative.matching.normal_order_means
companion.sampling.generative.stretching.coupling_inverse
companion.sampling.generative.stretching.coupling_layer
companion.sampling.generative.stretching.planar_layer
companion.sampling.langevin.kinetic.best_friction
companion.sampling.langevin.linear.contraction
companion.sampling.langevin.sandbox.gaussian_w2_squared
companion.sampling.particle_flows.ksd.stein_kernel
companion.sampling.particle_flows.mmd_flow.gaussians_mmd2
companion.sampling.particle_flows.mmd_flow.mmd_descent
companion.sampling.particle_flows.svgd.simplex_radius_squared
companion.sampling.quantization.cells.polygons
companion.sampling.quantization.constants.ball_moment
companion.sampling.quantization.constants.ball_volume
companion.sampling.quantization.constants.cube_moment
companion.sampling.quantization.constants.plane_matching
companion.sampling.quantization.constants.sample_matching
companion.sampling.quantization.entropic.entropic
companion.sampling.quantization.grid.free_weights
companion.sampling.quantization.grid.grid_labels
companion.sampling.quantization.grid.grid_step
companion.sampling.quantization.line.line_energy_distance
companion.sampling.quantization.lloyd.lloyd
companion.sampling.quantization.lloyd.pythagoras
companion.sampling.quantization.points.uniform_kmeans_step
companion.sampling.sliced.busemann.busemann_gaussian
companion.sampling.sliced.busemann.busemann_lorentz
companion.sampling.sliced.busemann.horospherical
companion.sampling.sliced.busemann.hsw2_squared
companion.sampling.sliced.busemann.hyperbolic_distance
companion.sampling.sliced.busemann.lorentz
companion.sampling.sliced.closed_forms.max_commuting
companion.sampling.sliced.closed_forms.slice_variance
companion.sampling.sliced.colour.colour_transfer
companion.sampling.sliced.high_dimension.directions_needed
companion.sampling.sliced.sphere.sphere_velocity
companion.training.momentum.bessel.bessel_tail
companion.training.momentum.descent.mirror_descent
companion.training.momentum.descent.normalised_descent
companion.training.momentum.fields.nesterov_flow
companion.training.momentum.learning.factorisation
companion.training.momentum.norms.steepest_flow
companion.training.momentum.norms.steepest_step
companion.training.momentum.rates.descent_radius
companion.training.momentum.rates.descent_tuning
companion.training.momentum.rates.nesterov_quadratic_tuning
companion.training.momentum.rates.nesterov_radius
companion.training.momentum.spectral.muon
companion.training.momentum.stationary.batch_growth
companion.training.momentum.stationary.matching_lr
companion.training.transformers.circle.attention_modes
companion.training.transformers.euclidean.gaussian_rates
companion.training.transformers.readouts.cross_ratio
companion.training.transformers.similarity.equiangular_usa
companion.transport.plans.displacement
""".split())


def sources():
    """{path: its code}, of the package, the bench, the tools and the notebooks."""
    found = {}
    for folder in ("companion", "bench", "tools"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "vendor" not in path.parts:
                found[path.relative_to(ROOT).as_posix()] = path.read_text("utf8")
    for path in sorted((ROOT / "book").rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts:
            cells = json.loads(path.read_text("utf8"))["cells"]
            code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
            found[path.relative_to(ROOT).as_posix()] = MAGIC.sub(r"\1pass", code)
    return found


def names(tree):
    """The names that a piece of code uses."""
    return {n.id if isinstance(n, ast.Name) else n.attr for n in ast.walk(tree) if isinstance(n, (ast.Name, ast.Attribute))}


def unused(code):
    """{module.name} of public functions and classes of the package that no code uses but their own. code: {path: text}."""
    trees = {path: ast.parse(text) for path, text in code.items()}
    elsewhere = {path: names(tree) | imported(path, tree) for path, tree in trees.items()}
    found = set()
    for path, tree in trees.items():
        if not path.startswith("companion/") or path.endswith("__init__.py"):
            continue
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                beside = set().union(*(names(other) for other in tree.body if other is not node))
                if node.name not in beside.union(*(used for where, used in elsewhere.items() if where != path)):
                    found.add(f"{path.removesuffix('.py').replace('/', '.')}.{node.name}")
    return found


def imported(path, tree):
    """The names that a module takes from others; that a package hands them on is no use."""
    if path.endswith("__init__.py"):
        return set()
    return {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}


def test_public_functions_are_used():
    found = unused(sources())
    assert found == OWED, f"nobody uses {sorted(found - OWED)}; are used by now, or gone: {sorted(OWED - found)}"


def test_what_is_no_use_is_seen():
    code = {"companion/a.py": "def taught(): pass\ndef helps(): pass\ndef alone(): alone()\ndef handed(): pass\ndef b(): helps()\ndef _own(): pass",
            "companion/__init__.py": "from companion.a import handed, taught", "book/x.ipynb": "from companion import a\na.taught()\na.b()"}
    assert unused(code) == {"companion.a.alone", "companion.a.handed"}
