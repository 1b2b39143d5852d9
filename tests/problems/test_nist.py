"""NIST data: certified figures follow from the embedded data and the models."""

import json

import numpy as np
import pytest

from problems.least_squares import nist

BUILT = {name: factory() for name, factory in nist.CASES.items()}
NIST = list(BUILT)


@pytest.mark.parametrize("name", NIST)
def test_certified_values_give_the_certified_sum_of_squares(name):
    case = BUILT[name]
    certified, found = case.published["rss"], case.rss(case.published["certified"])
    if name == "nist/Lanczos1":
        assert found < 1e-20
    else:
        assert found == pytest.approx(certified, rel=1.1e-10)
    assert case.digits(case.published["certified"]) > 10
    degrees = case.published["nobs"] - len(case.parameters)
    assert case.published["dof"] == degrees
    assert case.published["rsd"] == pytest.approx(np.sqrt(certified / degrees), rel=1e-9)


@pytest.mark.parametrize("name", [name for name in NIST if name != "nist/Lanczos1"])
def test_certified_errors_follow_from_the_jacobian(name):
    case = BUILT[name]
    jacobian = case.jacobian(case.published["ext_values"])
    scale = np.linalg.norm(jacobian, axis=0)
    _, s, vt = np.linalg.svd(jacobian / scale, full_matrices=False)
    std = np.linalg.norm(vt.T / s, axis=1) / scale * np.sqrt(case.published["ext_rss"] / case.published["dof"])
    np.testing.assert_allclose(std, case.published["ext_std"], rtol=1e-8)
    np.testing.assert_allclose(std, case.published["certified_std"], rtol=1e-8)
    assert s[0] / s[-1] == pytest.approx(case.published["cond_colscaled_jac"], rel=1e-2)


def test_nist_file_holds_the_original_fields():
    records = json.loads(nist.DATA.read_text(encoding="utf-8"))["problems"]
    assert {r["name"] for r in records} == set(nist.MODELS)
    assert all(len(r["x"]) == len(r["y"]) == r["nobs"] for r in records)
    assert all(len(r["ext_values"]) == len(r["params"]) == len(r["ext_corr"]) for r in records)
    assert all(len(r["sha256_dat"]) == 64 for r in records)


def test_nelson_has_two_predictors_and_log_response():
    case = BUILT["nist/Nelson"]
    record = next(r for r in json.loads(nist.DATA.read_text())["problems"] if r["name"] == "Nelson")
    assert case.x is not None
    assert case.x.shape == (2, 128)
    np.testing.assert_array_equal(case.y, np.log(record["y"]))
