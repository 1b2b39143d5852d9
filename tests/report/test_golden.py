"""Every rendering is pinned; set SCIOPT_WRITE_GOLDEN=1 to write new files, then read the difference."""

import os
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import sciopt.report as report
from sciopt.condition import Condition
from sciopt.parameters import Parameter
from sciopt.problem import Problem
from tests.report.fakes import CASES, History, good, network, rank_deficient

GOLDEN = Path(__file__).parent / "golden"
RENDER = {"txt": report.summary, "html": report.to_html, "tex": report.to_latex}
VOID = {"br"}


@pytest.mark.parametrize("kind", RENDER)
@pytest.mark.parametrize("case", CASES)
def test_rendering_is_as_pinned(case, kind):
    path = GOLDEN / f"{case}.{kind}"
    text = RENDER[kind](CASES[case]()) + "\n"
    if os.environ.get("SCIOPT_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path.name} was written")
    assert text == path.read_text(encoding="utf-8")


class Balance(HTMLParser):
    """Collects the open elements and all text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("case", CASES)
def test_html_is_balanced_and_without_scripts(case):
    parser = Balance()
    parser.feed(report.to_html(CASES[case]()))
    assert parser.open == []
    assert parser.tags <= {
        "div",
        "table",
        "tr",
        "td",
        "th",
        "strong",
        "em",
        "br",
        "span",
        "code",
        "svg",
        "title",
        "polyline",
        "circle",
    }


def test_html_shows_names_as_they_are():
    solution = good()
    solution.names[0] = "<script>alert(1)</script>"
    solution.values = {"<script>alert(1)</script>": 1.0} | solution.values
    solution.message = solution.method = "<b>&</b>"
    solution.units["tau"] = "<i>"
    text = report.to_html(solution)
    assert "<script>" not in text
    assert "<b>" not in text
    assert "<i>" not in text
    parser = Balance()
    parser.feed(text)
    assert "<script>alert(1)</script>" in parser.text


def test_verdict_comes_first_and_its_colour_tells_the_tone():
    colours = {
        name: next(c for c in ("#2da44e", "#d4a017", "#cf222e") if c in report.to_html(CASES[name]())) for name in CASES
    }
    assert colours == {
        "good": "#2da44e",
        "rank_deficient": "#d4a017",
        "at_bound": "#d4a017",
        "not_converged": "#cf222e",
        "network": "#cf222e",
    }
    for name, case in CASES.items():
        assert report.summary(case()).startswith("converged" if case().success else "not converged"), name


def test_open_directions_are_told_in_parameter_names():
    text = report.summary(rank_deficient())
    assert "not identified: 0.71 A - 0.71 B\n" in text
    assert "rank 2 of 3" in text


def test_large_unknowns_ask_for_no_correlation_matrix():
    class Careful(type(network())):
        @property
        def correlation(self):
            raise AssertionError("a matrix of 1232 x 1232 was asked for")

        @correlation.setter
        def correlation(self, value):
            pass

    solution = Careful(**{k: v for k, v in vars(network()).items() if k != "correlation"})
    assert "norm" in report.summary(solution)
    assert "norm" in report.to_html(solution)


def test_rows_beyond_the_sixtieth_are_counted():
    names = [f"p{i}" for i in range(75)]
    solution = good()
    solution.values, solution.errors, solution.names = dict.fromkeys(names, 1.0), dict.fromkeys(names, 0.1), names
    solution.correlation = np.eye(75)
    assert "and 15 more rows" in report.summary(solution)
    assert "15 more rows" in report.to_html(solution)


def test_few_attributes_are_enough():
    bare = SimpleNamespace(status="converged", success=True, values={"A": 1.0})
    assert report.summary(bare).splitlines()[0] == "converged"
    assert report.to_html(bare)
    assert report.one_line(bare) == "Solution(converged: A = 1)"


def test_sparkline_needs_two_finite_values():
    solution = good()
    assert "<svg" in report.to_html(solution)
    for values in ([], [1.0], [np.nan, 1.0, np.inf], [0.0, 0.0]):
        solution.history = History(f=np.array(values))
        assert "<svg" not in report.to_html(solution)


def test_problem_is_described_by_conditions_and_unknowns():
    problem = Problem(
        Condition(
            lambda t, A, tau: A * np.exp(-t / tau),
            "decay <1>",
            np.linspace(0, 1, 7),
            np.ones(7),
            sigma=0.1,
            batched=True,
        ),
        {"A": 1.0, "tau": Parameter(2.0, unit="s", bounds=(0, None)), "w": np.zeros((3, 4))},
    )
    text = report.problem_html(problem)
    parser = Balance()
    parser.feed(text)
    assert parser.open == []
    for cell in ("decay <1>", "data", "7", "tau", "2", "[0, inf]", "s", "array 3 × 4", "gaussian"):
        assert cell in parser.text
