import io
import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sciopt._errors import OptionError
from sciopt.iterate import iterate
from sciopt.problem import Problem
from sciopt.progress import Progress, progress_of


def steps() -> list[Any]:
    """A start without step numbers, two accepted steps, a rejected one."""
    rows = [
        (0, 50.0, {"f": 50.0}, True),
        (1, 20.0, {"step": 0.5, "gradient": 0.3, "damping": 1e-3, "rank": 3.0}, True),
        (2, 18.5, {"step": 0.01, "gradient": 1e-3, "damping": 1e-4, "rank": 3.0}, True),
        (3, 18.5, {"step": np.nan, "gradient": 1e-3, "damping": 1e-2, "rank": 2.0}, False),
    ]
    return [SimpleNamespace(number=n, lin=SimpleNamespace(f=f), info=i, accepted=a) for n, f, i, a in rows]


def test_table_has_a_line_a_step_and_marks_rejections():
    out = io.StringIO()
    with Progress("table", stream=out) as progress:
        for it in steps():
            assert progress(it) is None
    lines = out.getvalue().splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["step", "f"],
        ["0", "5.00000e+01"],
        ["1", "2.00000e+01"],
        ["2", "1.85000e+01"],
        ["3", "1.85000e+01"],
    ]
    assert lines[0].split() == ["step", "f", "change", "gradient", "rel.step", "damping", "rank", "s"]
    assert lines[3].split()[1:7] == ["1.85000e+01", "-1.50e+00", "1.00e-03", "1.00e-02", "1.00e-04", "3"]
    assert lines[4].endswith("rejected")
    assert len({len(line.removesuffix("  rejected")) for line in lines}) == 1, "columns do not line up"


def test_chi2_per_dof_is_twice_the_merit_over_dof():
    out = io.StringIO()
    progress = Progress("table", dof=37, stream=out)
    progress(steps()[2])
    assert out.getvalue().split()[1] == "chi2/dof"
    assert "1.00000e+00" in out.getvalue()


def test_a_solve_that_ends_at_its_start_is_shown():
    out = io.StringIO()
    with Progress("table", stream=out) as progress:
        progress(steps()[0])
    assert [line.split()[0] for line in out.getvalue().splitlines()] == ["step", "0"]


def test_bar_shows_the_numbers_and_counts_steps():
    out = io.StringIO()
    progress = Progress("bar", total=10, stream=out)
    for it in steps():
        progress(it)
    progress.close()
    progress.close()
    last = out.getvalue().split("\r")[-1]
    assert "3/10" in last
    assert "f=18.5" in last
    assert "rank=2" in last
    assert "damping=1.0e-02" in last
    assert "step=nan" not in last


def test_table_goes_to_stderr(capsys):
    progress = Progress("table")
    progress(steps()[1])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "2.00000e+01" in captured.err


def test_it_follows_a_real_solve():
    out = io.StringIO()
    problem = Problem(lambda v: np.array([v[0] - 1, 10 * (v[1] - v[0] ** 2)]), unknown=np.array([-1.2, 1.0]))
    count = -1
    with Progress("table", stream=out) as progress:
        for it in iterate(problem):
            progress(it)
            count += 1
    numbers = [line.split()[0] for line in out.getvalue().splitlines() if not line.lstrip().startswith("step")]
    assert numbers == [str(i) for i in range(count + 1)]


def test_options_are_read():
    assert progress_of(None) is None
    assert progress_of(False) is None
    assert progress_of(True, total=5).kind == "bar"
    assert progress_of("table", dof=3.0).dof == 3.0

    def own(_iterate: Any) -> None: ...

    assert progress_of(own) is own
    for wrong in ("bars", 3):
        with pytest.raises(OptionError, match="unknown"):
            progress_of(wrong)


def test_notebook_without_widgets_gets_the_plain_bar(monkeypatch):
    shell = type("ZMQInteractiveShell", (), {})()
    fake: Any = ModuleType("IPython")
    fake.get_ipython = lambda: shell
    monkeypatch.setitem(sys.modules, "IPython", fake)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    progress = Progress("bar", total=2)
    progress(steps()[1])
    assert type(progress._bar).__module__ == "tqdm.std"
    progress.close()


def test_missing_tqdm_is_told_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.std", None)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ModuleNotFoundError, match="progress='table'"):
        Progress("bar")(steps()[0])


def test_importing_it_does_not_import_tqdm():
    code = "import sys, sciopt.progress; assert 'tqdm' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
