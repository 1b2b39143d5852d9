"""The benchmark judges what happened, not what a solver claims."""

import json
import subprocess
import sys

import numpy as np
import pytest

from problems import CASES
from problems.bench import __main__ as command
from problems.bench._peer import Peer, PeerResult
from problems.bench._run import run
from problems.bench._table import summarise, text
from problems.bench._twin import jax_twin
from problems.bench.peers import PEERS, curve_fit, sciopt, scipy_least_squares


def peer(fit):
    return Peer("mock", fit, "numpy", ("numpy",))


def oracle(case, start):
    return PeerResult(case.published["ext_values"], case.published["ext_std"], True, 1, 1)


def liar(case, start):
    return PeerResult(start, np.full(len(start), np.nan), True, 1, 0)


def test_run_gives_the_oracle_full_marks():
    r = run(peer(oracle), CASES["nist/Misra1a"](), 0, repeat=2)
    assert r.hit
    assert r.digits == 16.0
    assert r.error_digits == 16.0
    assert r.rss_digits > 12
    assert r.warm_ms <= r.cold_ms * 10
    row = summarise([r])
    assert row["nist_6"] == "1/1"
    assert row["nist_errors_6"] == "1/1"
    assert row["nist_false_success"] == "0/1"


def test_run_convicts_a_false_success():
    runs = [run(peer(liar), CASES[name](), 0, 0) for name in ("nist/MGH10", "mgh/rosenbrock", "rank_deficient/ratio")]
    assert not any(r.hit for r in runs)
    row = summarise(runs)
    assert row["nist_false_success"] == "1/1"
    assert row["nist_errors_6"] == "0/1"
    assert row["mgh_false_success"] == "1/1"
    assert row["minpack_hits"] == "0/1"
    assert row["rank_deficient_targets"] == "0/1"


def test_run_records_an_exception():
    def broken(case, start):
        raise RuntimeError("no luck\nat all")

    r = run(peer(broken), CASES["nist/Misra1a"](), 0, 3)
    assert r.exception == "RuntimeError: no luck"
    assert not r.claims_success
    assert summarise([r])["nist_exceptions"] == "1/1"


def test_missing_package_is_a_reason_not_an_error():
    absent = Peer("x", liar, "no-such-distribution", ("no_such_module_at_all",))
    assert "no_such_module_at_all" in absent.missing()
    assert absent.version() == ""
    assert peer(liar).missing() == ""


def test_peer_names_are_distinct_and_cover_the_solvers():
    names = [p.name for p in PEERS]
    assert len(set(names)) == len(names)
    for part in ("sciopt", "scipy lm", "scipy trf", "curve_fit", "lmfit", "iminuit", "optimistix"):
        assert any(name.startswith(part) for name in names)


def test_tight_scipy_solves_an_easy_case_and_counts_its_evaluations():
    case = CASES["nist/DanWood"]()
    by_name = {p.name: p for p in (*scipy_least_squares.PEERS, *curve_fit.PEERS)}
    exact = run(by_name["scipy lm jac tight"], case, 0, 0)
    differences = run(by_name["scipy lm 2pt tight"], case, 0, 0)
    assert exact.digits > 8
    assert exact.njev > 0
    assert differences.njev == 0
    assert differences.nfev > exact.nfev
    fitted = run(by_name["curve_fit tight"], case, 0, 0)
    assert fitted.digits > 6
    assert fitted.error_digits > 4


def test_bench_command_prints_the_table_and_writes_json(tmp_path, capsys):
    target = tmp_path / "bench.json"
    argv = ["least_squares", "--solver", "curve_fit", "--case", "nist/Misra1?", "--repeat", "1", "--json", str(target)]
    assert command.main(argv) == 0
    out = capsys.readouterr().out
    header = out.splitlines()[0].split()
    assert header[0] == "solver"
    assert "curve_fit" in out
    report = json.loads(target.read_text())
    assert report["versions"]["scipy"]
    assert report["command"].startswith("python -m problems.bench least_squares --solver curve_fit")
    assert len(report["runs"]) == 8
    assert set(report["rows"]) == {"curve_fit"}
    assert report["rows"]["curve_fit"]["nist_4"].endswith("/8")


def test_bench_command_reports_unknown_names(capsys):
    assert command.main(["least_squares", "--solver", "nonsense"]) == 2
    assert "curve_fit" in capsys.readouterr().err
    assert command.main(["least_squares", "--solver", "curve_fit", "--case", "nist/Nothing"]) == 2


def test_bench_command_skips_what_is_not_installed(monkeypatch, capsys):
    absent = Peer("absent", liar, "absent", ("no_such_module_at_all",))
    monkeypatch.setattr(command, "PEERS", (absent, peer(oracle)))
    assert command.main(["least_squares", "--case", "nist/DanWood"]) == 0
    assert "skipped absent: not installed: no_such_module_at_all" in capsys.readouterr().out


def test_table_lines_up():
    r = run(peer(oracle), CASES["nist/Misra1a"](), 0, 1)
    lines = text({"a": summarise([r]), "longer name": summarise([r])}).splitlines()
    assert len({len(line) for line in lines}) == 1


def test_catalogue_and_bench_import_without_jax_or_peers():
    script = (
        "import sys\n"
        "for name in ('jax', 'optimistix', 'lmfit', 'iminuit', 'equinox'): sys.modules[name] = None\n"
        "import problems.bench.__main__ as command\n"
        "sys.exit(command.main(['least_squares', '--solver', 'curve_fit', '--case', 'nist/DanWood', '--repeat', '1']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "curve_fit" in done.stdout


TWINS = ["nist/Nelson", "nist/Roszman1", "mgh/helical_valley", "mgh/chebyquad_n8", "mgh/osborne_2", "mgh/watson_n6"]
TWINS += ["mgh/broyden_banded_n10", "mgh/gulf_research", "rank_deficient/linear_2_of_6"]


@pytest.mark.parametrize("name", TWINS)
def test_jax_twin_has_the_same_values_and_jacobian(name):
    jax = pytest.importorskip("jax")
    case = CASES[name]()
    if case.model is not None:
        model = jax_twin(case.model)

        def residual(theta):
            return model(case.x, *theta) - case.y
    else:
        assert case.function is not None
        residual = jax_twin(case.function)

    with jax.enable_x64(True):
        both = jax.jit(jax.jacfwd(lambda theta: (residual(theta),) * 2, has_aux=True))
        slope, value = (np.asarray(v) for v in both(np.array(case.starts[0])))
    expected = case.residual(case.starts[0])
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-13 * np.max(np.abs(expected)))
    exact = case.jacobian(case.starts[0])
    np.testing.assert_allclose(slope, exact, rtol=1e-10, atol=1e-12 * np.max(np.abs(exact)))


def test_jax_twin_refuses_what_it_cannot_copy():
    with pytest.raises(TypeError, match="plain function"):
        jax_twin(np.exp)


@pytest.mark.parametrize(
    ("name", "digits"),
    [("nist/Misra1a", 6), ("nist/Nelson", 6), ("counting/peak_on_background", 5), ("mgh/rosenbrock", 6)],
)
def test_sciopt_adapter_solves(name, digits):
    r = run(sciopt.PEERS[0], CASES[name](), 0, 0)
    assert r.exception == ""
    assert r.hit
    assert r.claims_success
    assert r.digits >= digits
    assert r.nfev > 0
    assert name.startswith(("mgh/", "counting/")) or r.error_digits >= 6


def test_sciopt_adapter_gives_the_pseudoinverse_answer():
    r = run(sciopt.PEERS[0], CASES["rank_deficient/sum_of_rates"](), 1, 0)
    assert r.hit
    assert r.target_digits >= 6
