"""Imports inside the package go down only."""

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import useresponse_async

ROOT = Path(useresponse_async.__file__).parent


def run_when_imported(tree: ast.AST) -> Iterator[ast.ImportFrom]:
    """Yield the imports that run when a module is imported."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ImportFrom):
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not (
            isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        ):
            yield from run_when_imported(node)


def test_imports_have_no_circle():
    paths = {path.relative_to(ROOT.parent).with_suffix(""): path for path in ROOT.rglob("*.py")}
    known = {".".join(it.parts).removesuffix(".__init__"): path for it, path in paths.items()}
    graph: dict[str, set[str]] = {name: set() for name in known}
    for name, needed in graph.items():
        for node in run_when_imported(ast.parse(known[name].read_text("utf-8"))):
            for member in node.names:
                target = f"{node.module}.{member.name}"
                target = target if target in known else str(node.module)
                # Its package is imported with a module, unless that is a part of it.
                while target in known and target != "useresponse_async":
                    if not f"{name}.".startswith(f"{target}."):
                        needed.add(target)
                    target = target.rpartition(".")[0]
    assert len(graph) > 80
    assert list(graphlib.TopologicalSorter(graph).static_order())
