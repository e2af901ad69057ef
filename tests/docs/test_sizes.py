"""The tree stays readable: sizes that CONTRIBUTING promises."""

import ast
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "operator" / "elastic_serving"
MOST_LINES = 400
MOST_CODE_LINES_OF_THE_CORE = 1500
USUAL_LINES = 150

MODULES = [path for folder in (PACKAGE, ROOT / "dev") for path in folder.rglob("*.py")]


def code_lines(path: Path) -> int:
    """Lines with code: no blank lines, comments and docstrings."""
    source = path.read_text(encoding="utf-8")
    documented: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                documented.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(1 for at, text in lines if at not in documented and text.strip() and not text.strip().startswith("#"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_longer_than_one_can_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_the_scaling_core_stays_small() -> None:
    assert sum(code_lines(path) for path in (PACKAGE / "scaling").glob("*.py")) <= MOST_CODE_LINES_OF_THE_CORE


def test_the_usual_module_is_short() -> None:
    sizes = [len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES if path.name != "__init__.py"]
    assert median(sizes) <= USUAL_LINES


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.name == "__init__.py"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_package_file_only_says_what_lives_there(path: Path) -> None:
    assert code_lines(path) == 0
