"""Progress of a solve: a bar, or a log with one line a step."""

from __future__ import annotations

import importlib.util
import math
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Protocol

from sciopt._errors import OptionError

__all__ = ["Progress", "progress_of"]

COLUMNS = (
    ("gradient", "gradient", ".2e"),
    ("rel.step", "step", ".2e"),
    ("ratio", "ratio", ".2f"),
    ("damping", "damping", ".2e"),
    ("radius", "radius", ".2e"),
    ("rank", "rank", ".0f"),
)
WIDTH = 10


class Stream(Protocol):
    """Where text goes: ``write`` and ``flush``, as ``sys.stderr`` has them."""

    def write(self, text: str, /) -> object:
        """Write text."""
        ...

    def flush(self) -> object:
        """Show what was written."""
        ...


@dataclass(eq=False)
class Progress:
    """Callback that shows how a solve goes on.

    Parameters
    ----------
    kind : {"bar", "table"}
        A tqdm bar with merit (or chi2/dof), step, rank and damping; or one line a step with all numbers that the
        method reports, in columns.
    total : int, optional
        Steps at most, for the bar.
    dof : float, optional
        Degrees of freedom; chi2/dof = 2 f/dof is then shown in place of the merit f.
    stream : file, optional
        ``sys.stderr`` if None.

    Raises
    ------
    OptionError
        An unknown kind.

    Notes
    -----
    Called with each iterate (``number``, ``info``, ``lin.f``, ``accepted``); it returns None and so never stops a
    solve. `close` ends the display and can be called twice; as a context manager the object closes itself.

    Examples
    --------
    >>> with Progress("table") as progress:
    ...     pass
    """

    kind: Literal["bar", "table"] = "bar"
    total: int | None = None
    dof: float | None = None
    stream: Stream | None = None
    _bar: Any = field(default=None, init=False, repr=False)
    _columns: tuple[tuple[str, str, str], ...] | None = field(default=None, init=False, repr=False)
    _held: tuple[float, ...] = field(default=(), init=False, repr=False)
    _last: float = field(default=math.nan, init=False, repr=False)
    _started: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in ("bar", "table"):
            raise OptionError(f"progress={self.kind!r} is unknown; choose 'bar', 'table', True or None")

    def __call__(self, iterate: Any) -> None:
        """Show one iterate."""
        number = int(getattr(iterate, "number", getattr(iterate, "step", 0)))
        info = dict(getattr(iterate, "info", None) or {})
        merit = float(iterate.lin.f)
        if self.kind == "bar":
            self._show_bar(number, merit, info)
        else:
            self._show_line(number, merit, info, bool(getattr(iterate, "accepted", info.get("accepted", True))))

    def close(self) -> None:
        """End the display."""
        if self._bar is not None:
            self._bar.close()
        if self._held:
            self._head(self._shown(0.0)[0], ())
        self._bar, self._columns, self._last = None, None, math.nan

    def __enter__(self) -> Progress:
        """Return the callback."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the display."""
        self.close()

    def _shown(self, merit: float) -> tuple[str, float]:
        return ("chi2/dof", 2.0 * merit / self.dof) if self.dof else ("f", merit)

    def _show_bar(self, number: int, merit: float, info: Mapping[str, float]) -> None:
        if self._bar is None:
            self._bar = _tqdm(self.stream)(total=self.total, file=self.stream, unit="step", dynamic_ncols=True)
        name, value = self._shown(merit)
        numbers = {name: f"{value:.6g}"}
        for key, form in (("step", ".1e"), ("rank", ".0f"), ("damping", ".1e")):
            if key in info and math.isfinite(info[key]):
                numbers[key] = format(info[key], form)
        self._bar.set_postfix(numbers, refresh=False)
        self._bar.update(number - self._bar.n)

    def _show_line(self, number: int, merit: float, info: Mapping[str, float], accepted: bool) -> None:
        name, value = self._shown(merit)
        if self._columns is None:
            self._started = time.perf_counter() if not self._held else self._started
            if number == 0 and not self._held:
                self._held = (value,)  # the first step tells which columns there are
                return
            self._head(name, tuple(c for c in COLUMNS if c[1] in info))
        self._line(number, value, info, accepted)

    def _head(self, name: str, columns: tuple[tuple[str, str, str], ...]) -> None:
        self._columns = columns
        heads = [name, "change", *(head for head, _, _ in columns)]
        self._write(" step" + "".join(f"{head:>{WIDTH + 2}}" for head in heads) + "       s")
        for value in self._held:
            self._line(0, value, {}, True, seconds=0.0)
        self._held = ()

    def _line(
        self, number: int, value: float, info: Mapping[str, float], accepted: bool, seconds: float | None = None
    ) -> None:
        change = value - self._last
        cells = [f"{value:.5e}", f"{change:.2e}" if math.isfinite(change) else ""]
        cells += [_cell(info.get(key, math.nan), form) for _, key, form in self._columns or ()]
        seconds = time.perf_counter() - self._started if seconds is None else seconds
        row = f"{number:5d}" + "".join(f"{cell:>{WIDTH + 2}}" for cell in cells) + f"{seconds:8.2f}"
        self._write(row + ("" if accepted else "  rejected"))
        self._last = value

    def _write(self, line: str) -> None:
        stream = sys.stderr if self.stream is None else self.stream
        stream.write(line + "\n")
        stream.flush()


def progress_of(progress: Any, *, total: int | None = None, dof: float | None = None) -> Any:
    """Read the ``progress=`` of a solve.

    Parameters
    ----------
    progress
        None or False for none; True or "bar"; "table"; or an object to call with each iterate.
    total, dof
        As in `Progress`.

    Returns
    -------
    callable or None

    Raises
    ------
    OptionError
        Anything else.
    """
    if progress is None or progress is False:
        return None
    if progress is True:
        return Progress("bar", total, dof)
    if isinstance(progress, str):
        return Progress(progress, total, dof)  # pyright: ignore[reportArgumentType]
    if callable(progress):
        return progress
    raise OptionError(f"progress={progress!r} is unknown; choose 'bar', 'table', True or None")


def _cell(value: float, form: str) -> str:
    return format(value, form) if math.isfinite(value) else ""


def _tqdm(stream: Stream | None) -> Any:
    """Return the bar of the notebook where its widgets are installed, else that of the terminal."""
    try:
        if stream is None and _in_notebook() and importlib.util.find_spec("ipywidgets") is not None:
            from tqdm.notebook import tqdm
        else:
            from tqdm.std import tqdm
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("a progress bar needs tqdm: install it, or use progress='table'") from error
    return tqdm


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"
