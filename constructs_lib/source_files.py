"""Which files of a repository a function needs: the module of its handler, and what that imports."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk.aws_lambda import Code


def source_code(root: Path, module: str, *, data: tuple[str, ...] = ()) -> Code:
    """An asset with the modules below `root` that `module` imports, directly or not, under their import names.

    `data` names folders with files that they read. Nothing else is in it, so its hash changes with these files only: a
    function whose sources did not change is not published again.
    """
    shipped = {*imported_files(root, module), *(file for each in data for file in _files_below(root, each))}
    return Code.from_asset(str(root), exclude=_everything_but(shipped), ignore_mode=IgnoreMode.GIT)


def imported_files(root: Path, module: str) -> frozenset[Path]:
    """The files of `module` and of all that it imports, also in a function, relative to `root`.

    Packages above a module count, because Python imports them first. Raises ModuleNotFoundError for a module that is
    not below `root`, and ValueError for a relative import. An import by a name made at run time is not seen.
    """
    if _file_of(root, module) is None:
        raise ModuleNotFoundError(f"there is no module {module} in {root}", name=module)
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        file = _file_of(root, name)
        if file is None or file in found:
            continue
        found.add(file)
        waiting += _imports(root / file)
        if "." in name:
            waiting.append(name.rpartition(".")[0])
    return frozenset(found)


def _file_of(root: Path, module: str) -> Path | None:
    """The file of a module or package, relative to `root`; None for a name that is not ours, or no module."""
    base = Path(*module.split("."))
    for file in (base.with_suffix(".py"), base / "__init__.py"):
        if (root / file).is_file():
            return file
    return None


@cache
def _imports(file: Path) -> tuple[str, ...]:
    """Every name that a file imports. `from a import b` gives both a and a.b, which may be a module."""
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"{file}:{node.lineno} imports relatively: write the whole name")
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(names)


def _files_below(root: Path, folder: str) -> Iterator[Path]:
    """The files of a folder but hidden ones, relative to `root`."""
    found = (root / folder).iterdir()
    return (each.relative_to(root) for each in found if each.is_file() and not each.name.startswith("."))


def _everything_but(files: set[Path]) -> list[str]:
    """Patterns as in a .gitignore that leave out all but these files.

    A folder has to be let in again before what is in it can be.
    """
    folders = {folder for file in files for folder in file.parents if folder != Path()}
    patterns = ["/*"]
    for folder in sorted(folders):
        patterns += [f"!/{folder.as_posix()}", f"/{folder.as_posix()}/*"]
    return [*patterns, *(f"!/{each.as_posix()}" for each in sorted(files))]
