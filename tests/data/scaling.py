"""Least squares of Gunther's law by SciPy, as a reference for this crate.

    python3 -m venv env && env/bin/pip install scipy==1.17.1
    env/bin/python tests/data/scaling.py < tests/data/scaling.csv > tests/data/scaling-fits.csv

Every side and corner of the unit square of (sigma, kappa) is fitted separately by MINPACK,
then refined by Gauss-Newton steps. Derivatives are by complex steps, which are exact to
rounding; finite differences would reach 1e-7 only. The least sum of squares is printed.

`specsdm91` is SPEC SDM91's throughput as N. Gunther published it and R's package
usl ships it; `exact` is a curve rounded to four decimals. usl 3.0 has the same
coefficients in its own tests, for absolute residuals. The other data are synthetic:
their best sigma, kappa, or both, lie on a bound.
"""

import csv
import itertools
import sys
import warnings

import numpy as np
from scipy.optimize import least_squares

warnings.simplefilter("ignore")


def fit(n, x, loss, held):
    """Returns gamma and the free parameters; None if the minimum lies outside the unit square."""
    free = [name for name in ("sigma", "kappa") if name not in held]
    y = x / x.max()

    def residuals(p):
        share = {**held, **dict(zip(free, p[1:]))}
        model = p[0] * n / (1 + share["sigma"] * (n - 1) + share["kappa"] * n * (n - 1))
        return np.log(model) - np.log(y) if loss == "logarithmic" else model - y

    def jacobian(p):
        steps = 1e-200j * np.eye(len(p))
        return np.array([residuals(p + step).imag / 1e-200 for step in steps]).T

    best = None
    starts = {"sigma": (1e-3, 0.05, 0.5), "kappa": (1e-6, 1e-3, 0.1)}
    for start in itertools.product(*(starts[name] for name in free)):
        exact = dict(xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=20000)
        try:
            found = least_squares(residuals, [y[0] / n[0], *start], jacobian, method="lm", x_scale="jac", **exact)
        except ValueError:
            continue
        # MINPACK ends where the sum of squares no longer falls: half of the digits.
        place = found.x
        for _ in range(200):
            place = place - np.linalg.lstsq(jacobian(place), residuals(place), rcond=None)[0]
        share = {**held, **dict(zip(free, place[1:]))}
        if not all(0 <= value <= 1 for value in share.values()):
            continue
        sse = np.sum(residuals(place) ** 2) * (1 if loss == "logarithmic" else x.max() ** 2)
        if best is None or sse < best[0]:
            best = (sse, place[0] * x.max(), share["sigma"], share["kappa"])
    return best


data = {}
for row in csv.DictReader(sys.stdin):
    data.setdefault(row["dataset"], []).append((float(row["nthread"]), float(row["throughput"])))
print("dataset,loss,sse,gamma,sigma,kappa")
values = (None, 0.0, 1.0)
for (name, points), loss in itertools.product(data.items(), ("absolute", "logarithmic")):
    n, x = np.array(points).T
    sides = [
        {k: v for k, v in (("sigma", sigma), ("kappa", kappa)) if v is not None}
        for sigma, kappa in itertools.product(values, values)
    ]
    found = [best for held in sides if (best := fit(n, x, loss, held))]
    print(",".join([name, loss, *(repr(float(value)) for value in min(found))]))
