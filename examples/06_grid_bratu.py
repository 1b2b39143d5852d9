# %% [markdown]
# # A fold on a grid: Bratu's equation
# $\nabla^2 u + \lambda e^u = 0$ on the unit square, zero on its boundary: heat that is produced the faster the hotter it
# gets. Up to a critical $\lambda$ there are two solutions, beyond it none. The residual is written with the grid's
# differences; sparsity, Jacobian and the multigrid solves behind each step come by themselves.

# %%
import numpy as np

import sciopt as so

grid = so.pde.Grid((0, 1), (0, 1), shape=127)


def bratu(u, grid, lam):
    return grid.laplacian(u) + lam * np.exp(u)


problem = so.pde.GridProblem(bratu, grid, settings={"lam": 5.0})
solution = so.solve(problem)
print(solution.status.value, "after", solution.nit, "steps; largest u:", round(solution.values["u"].max(), 6))

# %% [markdown]
# Newton's method converges from zero to the lower solution. To reach the upper one, follow the branch by its arc length:
# past the fold $\lambda$ turns round, the arc length does not.

# %%
small = so.pde.GridProblem(bratu, so.pde.Grid((0, 1), (0, 1), shape=31), settings={"lam": 1.0})
points = list(so.pde.branch(small, "lam", step=1.0, points=18))
lam = np.array([p.parameter for p in points])
top = np.array([p.values["u"].max() for p in points])
(fold,) = [p.fold for p in points if p.fold is not None]
print(f"the fold lies at lambda = {fold:.4f}; known: 6.8081")

# %%
from matplotlib.figure import Figure

figure = Figure(figsize=(8, 3.6), layout="constrained")
left, right = figure.subplots(1, 2)
left.plot(lam, top, ".-")
left.axvline(fold, lw=0.8, ls="--", color="0.5")
left.set_xlabel(r"$\lambda$")
left.set_ylabel("largest u")
image = right.imshow(solution.values["u"].T, origin="lower", extent=(0, 1, 0, 1))
right.set_title(r"u at $\lambda = 5$, lower branch", fontsize=9)
figure.colorbar(image, ax=right)
figure
