# ruff: noqa: INP001 - a script, in no package
"""The API reference, from the docstrings and the guides.

`python .ci/reference.py FOLDER` writes it there; any warning is an error.
"""

import inspect
import re
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

import attrs
import pdoc.render

MODULES = [
    "useresponse_async",
    "useresponse_async.sso",
    "useresponse_async.resources",
    "useresponse_async.sandbox",
    "useresponse_async.testing",
    "useresponse_async.integrations.dlt",
    "useresponse_async.integrations.fastapi",
]


def public_names(modules: list[str]) -> Iterator[object]:
    """Yield everything public, and load what is loaded on first use: pdoc looks no further."""
    for name in modules:
        module = import_module(name)
        for public in getattr(module, "__all__", []):
            value = getattr(module, public)
            vars(module).setdefault(public, value)
            yield value


def resolve_fields(kind: type) -> None:
    """Put types where attrs writes names, which mean nothing in the module of a subclass."""
    attrs.resolve_types(kind)
    told = {field.alias: field.type for field in attrs.fields(kind) if field.init}
    vars(kind)["__init__"].__annotations__.update(told)


def resolve_methods(kind: type) -> None:
    """Put types where a method called ``list`` would be taken for the type of that name."""
    for method in vars(kind).values():
        if inspect.isfunction(method):
            method.__annotations__.update(get_type_hints(method))


def add_guides() -> list[str]:
    """Make a module of each guide, whose docstring is its text, and return their names."""
    root = Path(import_module("useresponse_async").__file__ or "").parent
    # The front page lists them in place of their own index.
    pages = {*root.glob("guides/*.md"), *root.glob("*/README.md")} - {root / "guides" / "README.md"}
    names = {page: f"useresponse_async.guides.{guide_name(page)}" for page in sorted(pages)}
    for page, name in names.items():
        made = ModuleType(name, page_text(page, names))
        made.__spec__ = ModuleSpec(name, None)
        made.__all__ = []  # type: ignore[attr-defined]
        sys.modules[name] = made
    index = "".join(
        f"- [{page_text(page, names).partition(chr(10))[0].lstrip('# ')}]"
        f"(useresponse_async/guides/{guide_name(page)}.html)\n"
        for page in names
    )
    package = import_module("useresponse_async")
    package.__doc__ = f"{package.__doc__}\n\n## Guides\n\n{index}"
    return [*names.values()]


def guide_name(page: Path) -> str:
    """Return the last part of the name of a guide's module."""
    return page.stem if page.stem != "README" else f"{page.parent.name}_guide"


def page_text(page: Path, names: dict[Path, str]) -> str:
    """Return a guide's text, with links to the pages of the reference."""

    def link(match: re.Match[str]) -> str:
        file, _, anchor = match[2].partition("#")
        linked = (page.parent / file).resolve() if file else page
        if linked not in names:
            return match[1]  # outside the package
        target = names[linked].rpartition(".")[2]
        return f"[{match[1]}]({target}.html{'#' * bool(anchor)}{anchor})"

    return re.sub(r"\[([^\]]+)\]\((?!https:)([^)\s]+)\)", link, page.read_text(encoding="utf-8"))


def main(folder: Path) -> None:
    """Write the reference into ``folder``."""
    warnings.simplefilter("error")
    modules = [name for name in MODULES if find_spec(name)]
    for value in public_names(modules):
        if inspect.isclass(value) and attrs.has(value):
            resolve_fields(value)
        if inspect.isclass(value) and "list" in vars(value):
            resolve_methods(value)
    pdoc.render.configure(docformat="google", footer_text="useresponse-async")
    pdoc.pdoc(*modules, *add_guides(), output_directory=folder)
    for page in folder.rglob("*.html"):  # what shortens a name elsewhere
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace("<code>~<a", "<code><a"), encoding="utf-8")
    left = [
        f"{page.relative_to(folder)}: {line.strip()}"
        for page in sorted(folder.rglob("*.html"))
        for line in page.read_text(encoding="utf-8").splitlines()
        if any(mark in line for mark in (":class:", ":meth:", ":func:", ":attr:", ":exc:"))
        and 'class="linenos"' not in line
        and '<span class="sd">' not in line
    ]
    if left:
        raise SystemExit("not rendered:\n" + "\n".join(left))
    sys.stdout.write(f"{len(list(folder.rglob('*.html')))} pages in {folder}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
