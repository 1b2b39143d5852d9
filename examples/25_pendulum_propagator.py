# %% [markdown]
# # A learnt propagator
# A flow map $X_{s,t}(x)$ carries a state from one time to another in one evaluation. Its defining property is that its end moves
# with the field, $\partial_t X_{s,t}(x) = b(X_{s,t}(x))$: residuals at points, like those of any other equation. No trajectory is computed
# for training.

# %%
import jax.numpy as jnp
import numpy as np

import sciopt as so


def field(t, y):
    return jnp.stack([y[1], -jnp.sin(y[0])])


region = [(-1.8, 1.8), (-1.6, 1.6)]
start = so.dynamics.flow_map(2, region=region, times=(0.0, 0.5), width=20, depth=2, key=0)
fit = so.dynamics.fit_flow_map(start, field, region=region, times=(0.0, 0.5), points=1500, steps=80)
fit.semigroup_error()

# %% [markdown]
# Composed a thousand times with steps of 0.5 (500 units of time, about 80 swings), the map keeps the energy:


# %%
def energy(y):
    return 0.5 * y[..., 1] ** 2 + 1.0 - np.cos(y[..., 0])


swings = np.array([[0.5, 0.0], [1.0, 0.0], [1.4, 0.0]])
drift = fit.energy_drift(energy, swings, 0.5, 1000)
print(f"largest relative change of the energy: {drift['max']:.1e}")

# %%
from matplotlib.figure import Figure

figure = Figure(figsize=(7.5, 3.4), layout="constrained")
left, right = figure.subplots(1, 2)
path = fit.compose(swings, 0.5, 1000)
for k in range(len(swings)):
    left.plot(path[:, k, 0], path[:, k, 1], ".", ms=1)
    right.semilogy(0.5 * np.arange(1001), drift["history"][:, k] + 1e-16)
left.set(xlabel="angle", ylabel="velocity", title="1,000 composed steps")
right.set(xlabel="time", title="relative change of the energy")
figure
