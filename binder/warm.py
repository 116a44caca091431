"""Do once what is slow the first time: matplotlib's fonts, a figure drawn and shown, KeOps's formulas compiled into COMPANION_KEOPS."""

import matplotlib.pyplot as plt
import ot  # noqa: F401
import sklearn.datasets  # noqa: F401
import torch

import companion.live.notebook  # noqa: F401
from companion.kernels import gaussian_sum, keops, softmax_average, softmin

plt.subplots()[0].canvas.draw()
x, b = torch.randn(8, 2), torch.randn(8, 1)
gaussian_sum(x, x, b, length=1.0, engine=keops)
softmax_average(x, x, b, beta=1.0, engine=keops)
softmin(x, x, eps=1.0, engine=keops)
