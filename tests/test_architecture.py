"""The rules of the source tree, read from the source: import direction, file length, docstrings, forbidden calls."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SPEC = importlib.util.find_spec("sciopt")
assert SPEC is not None
assert SPEC.submodule_search_locations is not None
PACKAGE = Path(SPEC.submodule_search_locations[0])
TREE = Path(__file__).parent.parent

# A room (a module or folder directly under sciopt/) imports only from rows above its own.
ROWS = (
    {"_types", "_errors"},
    {
        "linalg",
        "parameters",
        "losses",
        "models",
        "lineshapes",
        "priors",
        "uncertain",
        "status",
        "history",
    },
    {"_tree"},
    {"_leaf", "_merge", "uncertainty"},
    {"layout", "points", "_model"},
    {"condition", "frames", "effective"},
    {"_placed"},
    {"problem"},
    {"linearise"},
    {"methods"},
    {"stop"},
    {"iterate"},
    {"statistics", "prediction"},
    {"report"},
    {"solution", "storage", "progress"},
    {"saved"},
    {"saving"},
    {"solve", "implicit", "curve"},
    {"fit", "fit_many", "likelihood"},
    {"analysis"},
    {"pde", "dynamics", "transport"},
    {"plot"},
)
LEVEL = {room: level for level, row in enumerate(ROWS) for room in row}

# Quantities that a Solution works out when asked may import, inside the method, what is not below `solution`.
LAZY_IMPORTS = {
    ("solution", "analysis"),
    ("solution", "plot"),
    ("solution", "saved"),
    ("solution", "saving"),
    ("solution", "storage"),
    ("saved", "plot"),
    ("transport", "plot"),
}

LONGEST_FILE = 300


class Import(NamedTuple):
    """One imported module, as written at one place."""

    module: str
    names: tuple[str, ...]
    line: int
    relative: bool
    inside_function: bool
    typing_only: bool


def imports(tree: ast.AST, inside_function: bool = False, typing_only: bool = False) -> Iterator[Import]:
    """Yield every import statement of a syntax tree with its context."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Import():
                for alias in node.names:
                    yield Import(alias.name, (), node.lineno, False, inside_function, typing_only)
            case ast.ImportFrom():
                names = tuple(alias.name for alias in node.names)
                yield Import(node.module or "", names, node.lineno, node.level > 0, inside_function, typing_only)
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                yield from imports(node, inside_function, True)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                yield from imports(node, True, typing_only)
            case _:
                yield from imports(node, inside_function, typing_only)


def rooms_imported(item: Import) -> list[str]:
    """Rooms of sciopt that an import reaches; "" stands for the public namespace itself."""
    parts = item.module.split(".")
    if parts[0] != "sciopt":
        return []
    if len(parts) > 1:
        return [parts[1]]
    return [name if name in LEVEL else "" for name in item.names] or [""]


def direction_faults(room: str, source: str) -> list[str]:
    """Return the imports by which a module of `room` breaks the direction, in words."""
    if room not in LEVEL:
        return [f"{room} has no row in ROWS"]
    faults = []
    for item in imports(ast.parse(source)):
        if item.relative:
            faults.append(f"line {item.line}: relative import")
        if item.module.split(".")[0] in {"problems", "tests", "examples"}:
            faults.append(f"line {item.line}: sciopt imports {item.module}")
        for other in rooms_imported(item):
            if other == room or item.typing_only:
                continue
            if other == "":
                faults.append(f"line {item.line}: imports the public namespace instead of a room")
            elif other not in LEVEL:
                faults.append(f"line {item.line}: {other} has no row in ROWS")
            elif LEVEL[other] >= LEVEL[room] and not (item.inside_function and (room, other) in LAZY_IMPORTS):
                faults.append(f"line {item.line}: {room} imports {other}, which is not in a row above")
    return faults


def forbidden_faults(source: str) -> list[str]:
    """Return uses of eval, exec, print, and of pickle in any form, in words."""
    faults = []
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec", "print", "breakpoint"}:
            faults.append(f"line {node.lineno}: calls {node.func.id}")
        for keyword in node.keywords:
            if keyword.arg == "allow_pickle" and not (
                isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            ):
                faults.append(f"line {node.lineno}: allow_pickle is not False")
    faults += [
        f"line {item.line}: imports {item.module}"
        for item in imports(tree)
        if item.module.split(".")[0] in {"pickle", "cloudpickle", "dill", "marshal", "shelve"}
    ]
    return faults


def docstring_faults(source: str) -> list[str]:
    """Return the module, the names of its `__all__` and their public methods that lack a docstring."""
    tree = ast.parse(source)
    faults = [] if ast.get_docstring(tree) else ["the module"]
    public = exported(tree)
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in tree.body:
        if not isinstance(node, definitions) or node.name not in public:
            continue
        if not ast.get_docstring(node):
            faults.append(node.name)
        for member in node.body if isinstance(node, ast.ClassDef) else []:
            if (
                isinstance(member, definitions)
                and not member.name.startswith("_")
                and not ast.get_docstring(member)
                and not {ast.unparse(decorator).split(".")[-1] for decorator in member.decorator_list}
                & {"overload", "override", "setter"}
            ):
                faults.append(f"{node.name}.{member.name}")
    return faults


def exported(tree: ast.Module) -> set[str]:
    """Return the names in the literal `__all__` of a module."""
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id="__all__")], value=value)
                | ast.AnnAssign(target=ast.Name(id="__all__"), value=value)
            ) if value is not None:
                return {
                    constant.value
                    for constant in ast.walk(value)
                    if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
                }
    return set()


def room_of(path: Path) -> str:
    """Return the room that a file of the package belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def sources(root: Path) -> dict[str, str]:
    """Return the text of every Python file under a folder, by path relative to the tree."""
    return {str(path.relative_to(root.parent)): path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.py"))}


def test_every_room_has_a_row():
    rooms = {room_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__"}
    assert len(rooms) > 10, "the package was not found where it should be"
    assert rooms <= LEVEL.keys(), f"rooms without a row: {sorted(rooms - LEVEL.keys())}"


def test_imports_go_one_way():
    faults = [
        f"{path.relative_to(PACKAGE)} {fault}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if room_of(path) != "__init__"
        for fault in direction_faults(room_of(path), path.read_text(encoding="utf-8"))
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("folder", ["problems", "examples"])
def test_catalogue_and_examples_use_public_names_only(folder):
    assert sources(TREE / folder)
    faults = [
        f"{name} line {item.line}: {item.module} {' '.join(item.names)}"
        for name, text in sources(TREE / folder).items()
        for item in imports(ast.parse(text))
        if item.module.split(".")[0] == "sciopt"
        and (
            len(item.module.split(".")) > 2
            or any(part.startswith("_") for part in (item.module + "." + ".".join(item.names)).split("."))
        )
    ]
    assert not faults, "\n".join(faults)


def test_files_stay_short():
    lengths = {name: text.count("\n") for root in (PACKAGE, TREE / "problems") for name, text in sources(root).items()}
    too_long = {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE}
    assert not too_long, f"longer than {LONGEST_FILE} lines: {too_long}"


def test_public_names_are_documented():
    faults = {name: missing for name, text in sources(PACKAGE).items() if (missing := docstring_faults(text))}
    assert not faults, f"without a docstring: {faults}"


def test_nothing_evaluates_text_unpickles_or_prints():
    faults = {name: found for name, text in sources(PACKAGE).items() if (found := forbidden_faults(text))}
    assert not faults, f"forbidden: {faults}"


@pytest.mark.parametrize(
    ("room", "source", "fault"),
    [
        ("linalg", "from sciopt.methods import sven", "linalg imports methods"),
        ("pde", "import sciopt.dynamics", "pde imports dynamics"),
        ("solve", "from sciopt import plot", "solve imports plot"),
        ("solve", "def f():\n    from sciopt.plot import fit", "solve imports plot"),
        ("solution", "from sciopt.analysis import profile", "solution imports analysis"),
        ("methods", "from . import damping", "relative import"),
        ("methods", "import problems", "sciopt imports problems"),
        ("methods", "from sciopt import solve, Problem", "public namespace"),
        ("methods", "from sciopt.cupboard import mop", "no row"),
    ],
)
def test_checker_finds_a_wrong_import(room, source, fault):
    assert any(fault in found for found in direction_faults(room, source))


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("methods", "from sciopt.linearise import Linearisation"),
        ("methods", "from sciopt.methods._contract import Step"),
        ("solution", "def covariance(self):\n    from sciopt.analysis import uncertainty"),
        (
            "linalg",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sciopt.linearise import Linearisation",
        ),
    ],
)
def test_checker_lets_a_right_import_pass(room, source):
    assert direction_faults(room, source) == []


def test_checker_finds_forbidden_calls_and_missing_docstrings():
    text = "__all__ = ['A']\nimport pickle\nclass A:\n    def b(self):\n        print(eval('1'))\n"
    assert len(forbidden_faults(text)) == 3
    assert docstring_faults(text) == ["the module", "A", "A.b"]
    assert forbidden_faults("import numpy as np\nnp.load('a.npz', allow_pickle=True)") == [
        "line 2: allow_pickle is not False"
    ]
