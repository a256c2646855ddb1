"""Which way the arrows point (docs/architecture.md): who may import whom, read from the source itself."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROOMS = ("records", "oai", "harvest", "services", "uws", "executor", "applications", "gateway", "dispatch", "admin", "search",
         "backup")
ENTRY_POINTS = ("registry.cli", "registry.admin", "registry.gateway", "registry.worker", "registry.serve")
# room -> sibling rooms it may import besides records and applications
SIBLINGS = {"dispatch": {"services", "harvest", "uws"}, "search": {"uws"}, "gateway": {"uws", "services"}, "backup": {"uws"}}
DOCKER = {"registry/executor/docker_runtime.py"}


@cache
def modules() -> list[Path]:
    return sorted(path for folder in ("registry", "vosi") for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path, *, type_checking: bool = False) -> set[str]:
    """Every module that `path` imports, at its top or inside; names below `if TYPE_CHECKING` only when asked for."""
    found: set[str] = set()
    skipped = set() if type_checking else {
        node for block in ast.walk(tree(path))
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree(path)):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.update({node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names})
    return found


def uses(path: Path, *packages: str) -> set[str]:
    return {name for name in imports(path) for package in packages if name == package or name.startswith(package + ".")}


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room(name: str) -> str:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "registry" and parts[1] in ROOMS else ""


@pytest.mark.parametrize("path", modules(), ids=where)
def test_arrows(path):
    place, name = where(path), name_of(path)
    if place.startswith("vosi/"):
        assert not uses(path, "registry", "flask", "sqlalchemy", "requests", "docker")
    if place.startswith("registry/executor/"):
        assert not uses(path, "flask", "sqlalchemy", "requests", "vosi")
        assert not {used for used in uses(path, "registry") if not used.startswith("registry.executor")}
    if place != "registry/fetch.py":
        assert not uses(path, "requests", "urllib3")
    if place != "registry/hooks.py":
        assert not uses(path, "smtplib")
    if place != "registry/oidc/tokens.py":  # an extra, loaded when somebody logs in by a provider
        assert not uses(path, "authlib", "joserfc")
    if place != "registry/oidc/login.py":
        assert not uses(path, "registry.oidc.tokens")
    if place not in DOCKER:
        assert not uses(path, "docker")
    may_serve = place == "registry/__init__.py" or place.endswith("/views.py")
    may_serve = may_serve or place.startswith(("registry/cli/", "registry/admin/"))
    if not may_serve:
        assert not uses(path, "flask", "flask_wtf", "wtforms")
    here = room(name)
    if here and here not in ("admin",):
        allowed = {here, "records", "applications"} | SIBLINGS.get(here, set())
        if here in ("records", "executor"):
            allowed = {here}
        if here == "applications":
            allowed = {here, "records"}
        assert {room(used) for used in imports(path)} - {""} <= allowed
    if not name.startswith((*ENTRY_POINTS, "registry.cli")):
        assert not uses(path, *ENTRY_POINTS)


def test_nothing_imports_in_circles():
    names = {name_of(path): path for path in modules()}
    edges = {name: {used for used in imports(path) if used in names and used != name} for name, path in names.items()}
    # a package is not a circle with the modules in it that import a name from it
    edges = {name: {used for used in targets if not name.startswith(used + ".")} for name, targets in edges.items()}
    seen: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name):], name])
        if name in seen:
            return
        for target in sorted(edges[name]):
            visit(target, (*trail, name))
        seen.add(name)

    for name in sorted(edges):
        visit(name, ())


def test_the_house_imports_itself_lazily_only_where_a_comment_says_why():
    """An import inside a function is for what is heavy at the start of the command line (ARCHITECTURE rule 5)."""
    allowed = ("registry/cli/", "registry/serve.py", "registry/__init__.py")
    inside = [
        f"{where(path)}:{node.lineno}" for path in modules() if not where(path).startswith(allowed)
        for function in ast.walk(tree(path)) if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)
        and not any("#" in line for line in path.read_text().splitlines()[max(0, node.lineno - 2):node.end_lineno])
    ]
    assert inside == []
