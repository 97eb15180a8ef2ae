"""Who imports what, read from the source: rooms, doors of heavy libraries, circles.

A *module* is named in full (`xstilts.data.encoding`); its *room* is the part after the package's
name (`data`; `errors` is a room of one module). An import counts wherever it stands: at the top,
inside a function, under TYPE_CHECKING, or as a literal given to `import_module`. Code in strings
does not count: it runs in another process. Nor does the package around a module, which Python loads
with it. All functions take a mapping of module name to source, so that a test can hand them a
source that breaks the rule.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

PACKAGE = "xstilts"
Sources = Mapping[str, str]
"""Module name to source."""


def sources_of(root: Path) -> dict[str, str]:
    """The package below `root`."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path.read_text(encoding="utf-8")
    return found


def imports(sources: Sources) -> dict[str, set[str]]:
    """Module to all that it imports: modules of the package by their own name, others as they are
    written.
    """
    return {name: set(_imported(name, source, sources)) for name, source in sources.items()}


def _imported(name: str, source: str, sources: Sources) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: write imports in full, not relative to the module"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in sources else str(node.module)
        elif isinstance(node, ast.Call):
            yield from _named_in_call(node)


def _named_in_call(call: ast.Call) -> Iterator[str]:
    """`import_module("a.b")`, however it is reached."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name == "import_module" and call.args and isinstance(call.args[0], ast.Constant):
        yield str(call.args[0].value)


# -- rooms


def room_of(module: str) -> str:
    """`data` of `xstilts.data.encoding`; of the package itself and of `__main__` nothing."""
    room = module.removeprefix(PACKAGE).lstrip(".").split(".")[0]
    return "" if room == "__main__" else room


def upward_imports(sources: Sources, order: Sequence[str]) -> list[str]:
    """Imports of a room that stands higher, a sentence each. `order` names the rooms from the top
    down; the package itself, which only forwards, is above them all.
    """
    height = {room: i for i, room in enumerate(["", *order])}
    found = []
    for module, named in imports(sources).items():
        for other in sorted(one for one in named if one.split(".")[0] == PACKAGE):
            room, wanted = room_of(module), room_of(other)
            if room not in height or wanted not in height:
                found.append(f"{module} imports {other}: a room without a place in the order")
            elif height[wanted] < height[room]:
                found.append(f"{module} imports {other}: {wanted or PACKAGE} is above {room}")
    return found


# -- heavy libraries


def strays(sources: Sources, doors: Mapping[str, Sequence[str]]) -> list[str]:
    """Imports of a library outside its doors, a sentence each. A door is a module, or a room or
    package with all below it, named without the package.
    """
    found = []
    for module, named in imports(sources).items():
        at = module.removeprefix(f"{PACKAGE}.")
        for library in sorted({one.split(".")[0] for one in named} & set(doors)):
            if not any(at == door or at.startswith(f"{door}.") for door in doors[library]):
                found.append(f"{module} imports {library}: must be one of {doors[library]}")
    return found


# -- circles


def circles(sources: Sources) -> list[tuple[str, ...]]:
    """Groups of modules that import each other, directly or by way of others; each sorted."""
    graph = {
        name: sorted((named & set(sources)) - {name}) for name, named in imports(sources).items()
    }
    reach = {name: _reachable(graph, name) for name in graph}
    groups = {
        tuple(sorted({name, *(other for other in reach[name] if name in reach[other])}))
        for name in graph
    }
    return sorted(group for group in groups if len(group) > 1)


def _reachable(graph: Mapping[str, Sequence[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph[name]
    return found
