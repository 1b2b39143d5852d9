"""Sphinx settings. The examples are copied beside the pages, executed, and shown with their output."""

import importlib.metadata
import os
import re
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).parent
TREE = DOCS.parent
sys.path.insert(0, str(DOCS))

# Kernels inherit the environment: examples may read the catalogue in problems/, figures go into the page,
# and one BLAS thread is enough for problems of this size.
os.environ["PYTHONPATH"] = os.pathsep.join([str(TREE), *filter(None, [os.environ.get("PYTHONPATH")])])
os.environ.pop("MPLBACKEND", None)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# docs/examples is not under version control; a symbolic link would not survive every clone.
shutil.rmtree(DOCS / "examples", ignore_errors=True)
shutil.copytree(TREE / "examples", DOCS / "examples", ignore=shutil.ignore_patterns("*.png", "*.npz", "__pycache__"))

project = "sciopt"
author = "The sciopt developers"
project_copyright = "2026, The sciopt developers"
version = release = importlib.metadata.version("sciopt")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinxcontrib.bibtex",
]
exclude_patterns = ["_build", "conf.py", "percent.py", "**/.ipynb_checkpoints"]
suppress_warnings = ["ref.python"]  # short names in docstrings (`n`, `shape`) may be those of several classes
default_role = "py:obj"  # single backticks in docstrings: a link where there is a target
html_theme = "furo"
html_title = f"sciopt {release}"
html_show_sourcelink = False

myst_enable_extensions = ["amsmath", "dollarmath", "deflist"]
myst_heading_anchors = 3

# Percent scripts are read by docs/percent.py; a cell that raises stops the build.
nb_custom_formats = {".py": "percent.read"}
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_merge_streams = True

napoleon_google_docstring = False
napoleon_numpy_docstring = True
napoleon_use_ivar = True
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": False}
autodoc_typehints = "none"
autodoc_class_signature = "mixed"

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "unsrt"


def escape_bars(app, what, name, obj, options, lines):
    """Let docstrings say |x| in plain words: reStructuredText would read a substitution.

    Code, roles, mathematics, tables and doctests are left as they are.
    """
    verbatim: int | None = None  # indentation of the directive or paragraph that opened a literal block
    for number, line in enumerate(lines):
        text = line.lstrip()
        indent = len(line) - len(text)
        if verbatim is not None and text and indent <= verbatim:
            verbatim = None
        if verbatim is None and not text.startswith(("|", "+", ">>>", "...")):
            parts = re.split(r"(:\w+:`[^`]*`|``.*?``|`[^`]*`)", line)
            parts[::2] = [re.sub(r"(?<!\\)\|", r"\|", part) for part in parts[::2]]
            lines[number] = "".join(parts)
        if verbatim is None and (text.startswith(".. math::") or text.endswith("::")):
            verbatim = indent


def setup(app):
    """Run after napoleon, which has priority 500."""
    app.connect("autodoc-process-docstring", escape_bars, priority=600)
