import subprocess
import sys
import timeit

import pytest
import threadpoolctl

from sciopt._errors import OptionError
from sciopt.linalg import blas_threads, threads


def counts():
    return [p["num_threads"] for p in threadpoolctl.threadpool_info() if p["user_api"] == "blas"]


@pytest.fixture
def two_threads():
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        yield


@pytest.mark.usefixtures("two_threads")
def test_small_work_gets_one_thread_and_the_count_comes_back():
    before = counts()
    with blas_threads(1000):
        assert set(counts()) == {1}
        with blas_threads(10**8):
            assert set(counts()) == {1}
    assert counts() == before
    with blas_threads(10**8):
        assert counts() == before
    with blas_threads(10**8, threads=1):
        assert set(counts()) == {1}
    assert counts() == before


@pytest.mark.usefixtures("two_threads")
def test_the_count_comes_back_after_an_error():
    before = counts()
    with pytest.raises(ZeroDivisionError), blas_threads(10):
        raise ZeroDivisionError
    assert counts() == before


def test_missing_threadpoolctl_is_no_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert threads._libraries.__wrapped__() == ()


def test_costs_microseconds_when_there_is_nothing_to_do():
    def idle():
        with blas_threads(10**8):
            pass

    idle()
    assert min(timeit.repeat(idle, number=200, repeat=10)) / 200 < 20e-6  # measured: 0.5 to 1 microsecond


def test_bad_count_raises():
    with pytest.raises(OptionError, match="threads=0"):
        blas_threads(10, threads=0)


def test_importing_the_room_loads_nothing_heavy():
    code = (
        "import sys, sciopt.linalg; print(sorted({'numba', 'jax', 'matplotlib', 'scipy.optimize'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
