"""Rows on two devices equal rows on one; a process of its own, as the number of devices is fixed when JAX starts."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
import jax, numpy as np, jax.numpy as jnp
import sciopt as so
from jax.sharding import Mesh
from sciopt.linearise import Work, linearise
from sciopt.linearise.autodiff import _jacobians, double
from sciopt.methods import LevenbergMarquardt

if len(sys.argv) > 1:  # one of two processes with a device each
    jax.distributed.initialize(sys.argv[1], num_processes=2, process_id=int(sys.argv[2]))
assert len(jax.devices()) == 2
mesh = Mesh(np.array(jax.devices()), ("rows",))
rng = np.random.default_rng(0)

def net(W, b, v, x):
    return v @ jnp.tanh(W @ x + b)

def pair(W, b, v, x):
    u = net(W, b, v, x)
    return jnp.stack([u, u * u - x[0]])

def problem(n, width):
    start = {"W": rng.standard_normal((width, 2)), "b": rng.standard_normal(width), "v": rng.standard_normal(width) / width}
    x = rng.uniform(-1, 1, (n, 2))
    return so.Problem([
        so.Condition(net, "wave", points=x, target=np.sin(3 * x[:, 0]), sigma=0.1),
        so.Condition(pair, "pair", points=rng.uniform(-1, 1, (7, 2)), weight=2.0),
    ], unknown=start)

for n, width in ((21, 16), (61, 5)):
    p = problem(n, width)
    one, two = linearise(p, work=Work()), linearise(p, work=Work(mesh=mesh))
    J = one.dense()
    side = "dual" if J.shape[0] < J.shape[1] else "primal"
    K = J @ J.T if side == "dual" else J.T @ J
    assert np.abs(two.r - one.r).max() < 1e-12
    assert np.abs(two.gram(side) - K).max() < 1e-10 * np.abs(K).max()
    v, w = rng.standard_normal(J.shape[1]), rng.standard_normal(J.shape[0])
    assert np.abs(two.jvp(v) - J @ v).max() < 1e-10 * np.abs(J @ v).max()
    assert np.abs(two.vjp(w) - J.T @ w).max() < 1e-10 * np.abs(J.T @ w).max()
    assert np.abs(two.second(v) - one.second(v)).max() < 1e-9 * np.abs(one.second(v)).max()
    assert np.abs(two.terms() - np.abs(J) @ np.abs(one.theta)).max() < 1e-10 * np.abs(J).sum()
    block = two.pieces[0]
    with double():
        shares = _jacobians(block.programs, block._replicated(two.theta), block.data(two.frame))[0].addressable_shards
    assert {s.data.shape[0] for s in shares} == {(n + 1) // 2}, "each device holds half of the rows"
    assert len(shares) == len(jax.local_devices())
    a = so.solve(p, LevenbergMarquardt(), steps=6)
    b = so.solve(p, LevenbergMarquardt(), steps=6, mesh=mesh)
    assert np.abs(a.history["f"] / b.history["f"] - 1).max() < 1e-6, (a.history["f"], b.history["f"])

try:
    so.solve(so.Problem(lambda v: v - 1.0, np.zeros(2)), mesh=mesh)
except so.linearise.__globals__["ConditionError"] as error:
    assert "mesh=" in str(error)
else:
    raise AssertionError("a numpy condition was spread")
print("equal")
"""


def started(flags, *arguments):
    """Start the script; returns the process."""
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=Path(__file__).parent,
    )


def finished(process):
    """Wait for a script and check what it says."""
    try:
        out, err = process.communicate(timeout=500)
    finally:
        process.kill()
    assert process.returncode == 0, err[-3000:]
    assert out.strip().endswith("equal")


def test_two_devices_equal_one():
    finished(started("--xla_force_host_platform_device_count=2"))


@pytest.mark.slow
def test_two_processes_equal_one():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    pair = [started("", address, str(k)) for k in range(2)]
    try:
        for process in pair:
            finished(process)
    finally:
        for process in pair:
            process.kill()
