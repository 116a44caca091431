"""The mathematics of *Learning in Motion*, in torch. Two verbs, figures that live, three themes.

    import companion
    path = companion.flow(v, x0, T, steps)      x'(t) = v(t, x(t)): a Path with times t and states x
    path = companion.iterate(step, x0, n)       x_{k+1} = step(k, x_k): a Path
    companion.live(v, x0, ...)                  a figure that runs the field or the map before your eyes

A module is there as soon as it is named: companion.energies.mmd2(y), or from companion.energies import mmd2.

    flow           the two verbs; the steppers euler, heun, rk4
    state          states with named parts: position and velocity, cloud and weights
    noise          random numbers that are a function of (seed, k), the same on every device and in a page
    energies       energies of clouds, and the fields that descend them
    potentials     potentials of a point: Rosenbrock, quadratics, wells
    kernels        kernels between clouds, and their sums at every size
    transport      optimal transport: on the line, by plans, by assignments
    gaussians      Gaussian laws and their mixtures in closed form
    fokker_planck  the law of a diffusion on a line, on a grid: generator, transition, eigenvalues
    sde            Langevin steps, overdamped and kinetic, with the noise given
    data           clouds and real data: moons, rings, digits, photographs
    device         the device that computes
    check          checks of an exercise by theorem
    inputs, hints, entries  checks of what a reader gives, said in type hints
    watching       one line that says how far a long run is
    figures        still figures, each with its text
    live           live figures: in a notebook, in a page, on paper, by ear
    training       the dynamics of training: gradient_flows, momentum, transformers
    architectures  very deep networks: control, neural_control
    sampling       sampling and generative models: langevin, particle_flows, quantization, sliced, generative
"""

import importlib
import pkgutil
import sys
from importlib.util import find_spec
from types import ModuleType

__version__ = "0.1.0"
HOMES = {"iterate": "flow", "Path": "flow"}  # what is offered here and lives in a module


def __getattr__(name):
    """A module of the package, or a verb, imported when it is first named: `import companion` alone costs nothing."""
    if name in HOMES:
        return getattr(importlib.import_module(f"companion.{HOMES[name]}"), name)
    if not name.startswith("_") and find_spec(f"companion.{name}"):
        return importlib.import_module(f"companion.{name}")
    raise AttributeError(f"companion has no {name!r}; it has {', '.join(_offered())}.")


def __dir__():
    return ["__version__", *_offered()]


def _offered():
    return sorted({*HOMES, *(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))})


class Named(ModuleType):
    """A module called like its function: companion.flow is the module, companion.flow(...) the verb, in every order of imports."""

    def __call__(self, *given, **options):
        return self._function(*given, **options)

    @property
    def _function(self):
        return vars(self)[self.__name__.rpartition(".")[2]]

    @property
    def __signature__(self):
        from inspect import signature

        return signature(self._function)

    def __reduce__(self):
        return importlib.import_module, (self.__name__,)


def callable_module(name):
    """Let the module of this name be called: it stands for its function of the same name."""
    sys.modules[name].__class__ = Named
