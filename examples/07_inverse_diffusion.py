# %% [markdown]
# # A coefficient from noisy data
# A concentration diffuses in a tube, $u_t = D u_{xx}$, from $u = \sin \pi x$ with $u = 0$ at the ends. It was measured at 200
# points with $\sigma = 0.01$; D is unknown. The equation acts as a constraint, so that the error of D is that of the data.

# %%
import jax.numpy as jnp
import numpy as np

import sciopt as so

D_true, sigma = 0.1, 0.01
rng = np.random.default_rng(7)
where = rng.uniform(size=(200, 2))
clean = np.exp(-(np.pi**2) * D_true * where[:, 0]) * np.sin(np.pi * where[:, 1])
measured = clean + rng.normal(0, sigma, 200)

tube = so.pde.Time(0, 1) * so.pde.Interval(0, 1)


@so.condition(points=tube.interior(600, refine=0))
def diffusion(u, D, x):
    return so.pde.dt(u)(x) - D * so.pde.laplacian(u)(x)


conditions = [
    diffusion,
    so.pde.initial(tube.initial(60), lambda x: jnp.sin(jnp.pi * x[1])),
    so.pde.dirichlet(tube.boundary(60)),
    so.pde.observed(tube, where, measured, sigma),
]
unknown = {"u": so.models.tensor_basis(tube, 10), "D": so.Parameter(1.0, unit="m2/s")}
fit = so.solve(so.Problem(conditions, unknown))
print(f"D = {fit.values['D']:.5f} +- {fit.errors['D']:.5f} m2/s, chi2/dof = {fit.chi2 / fit.dof:.2f}")

# %% [markdown]
# The best that can be done with these data, if one knew that the answer is $e^{-\pi^2 D t} \sin \pi x$:

# %%
limit = sigma / np.linalg.norm(-(np.pi**2) * where[:, 0] * clean)
print(f"statistical limit {limit:.5f}")

# %%
fit.plot.field().figure.savefig("diffusion.png", dpi=150)
fit.plot.field_frames(times=4).savefig("diffusion_times.png", dpi=150)
