"""Read a percent script (cells begin with `# %%`) as a notebook, for Sphinx."""

import re

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

__all__ = ["read"]

MARK = re.compile(r"^# %%(?P<title>.*)$", re.MULTILINE)


def read(text: str) -> nbformat.NotebookNode:
    """Turn the text of a percent script into a notebook.

    A cell marked `# %% [markdown]` holds comment lines, which become text; a docstring at the top of the file
    becomes text as well. Every other cell is code. What stands before the first mark is the first cell.

    Parameters
    ----------
    text : str
        The script.

    Returns
    -------
    nbformat.NotebookNode
        A notebook that has not been executed, for the kernel `python3`.
    """
    pieces = MARK.split(text)
    cells = []
    for title, body in zip(["", *pieces[1::2]], pieces[::2], strict=True):
        if "[markdown]" in title:
            cells.append(new_markdown_cell(_uncommented(body)))
            continue
        docstring = re.match(r'\s*"""(.*?)"""\s*(.*)', body, re.DOTALL)
        if docstring and not cells:
            cells.append(new_markdown_cell(_as_title(docstring[1].strip())))
            body = docstring[2]
        if title.strip():
            cells.append(new_markdown_cell(f"## {title.strip()}"))
        if body.strip():
            cells.append(new_code_cell(body.strip()))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def _uncommented(body: str) -> str:
    """Text of a markdown cell without the comment signs."""
    return "\n".join(re.sub(r"^# ?", "", line) for line in body.strip().splitlines())


def _as_title(text: str) -> str:
    """Make the first line a heading, unless it is one already."""
    if text.startswith("#"):
        return text
    first, _, rest = text.partition("\n")
    return f"# {first.rstrip('.')}\n{rest}"
