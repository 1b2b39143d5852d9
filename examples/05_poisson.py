# %% [markdown]
# # An equation from conditions
# Poisson's equation on the unit square, $\nabla^2 u = -2\pi^2 \sin \pi x \sin \pi y$ with $u = 0$ on the walls; the answer
# is $\sin \pi x \sin \pi y$. A condition is written for one point; the operators act on the unknown function.

# %%
import jax.numpy as jnp
import numpy as np

import sciopt as so

square = so.pde.Box((0, 1), (0, 1))


@so.condition(points=square.interior(1000))
def poisson(u, x):
    return so.pde.laplacian(u)(x) + 2 * jnp.pi**2 * jnp.sin(jnp.pi * x[0]) * jnp.sin(jnp.pi * x[1])


walls = so.pde.dirichlet(square.boundary(200))
solution = so.solve(so.Problem([poisson, walls]))
print(solution)

# %% [markdown]
# The ansatz was chosen from the conditions. The answer is a function: at any points, under any operator.

# %%
x = square.interior(2000, "uniform").coords
exact = np.sin(np.pi * x[:, 0]) * np.sin(np.pi * x[:, 1])
error = np.linalg.norm(solution.u(x) - exact) / np.linalg.norm(exact)
print(f"relative error {error:.1e}")
print("gradient at (0.25, 0.5):", solution.u.map(so.pde.grad)([0.25, 0.5]))

# %% [markdown]
# A small residual does not say that the conditions determine the answer. Whether they do is asked apart. Without the walls the
# residual vanishes just as well, and the verdict says what is missing.

# %%
open_problem = so.solve(so.Problem([poisson], so.models.tensor_basis(square, 12)))
verdict = so.pde.determination(open_problem)
print(open_problem.status.value, "-", verdict)

# %%
solution.plot.field().figure.savefig("poisson.png", dpi=150)
