"""Order of checking: producers first, and which packages need each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def components(
    packages: Iterable[str], needs: Callable[[str], Iterable[str]]
) -> list[tuple[str, ...]]:
    """Strongly connected sets of everything reachable, producers before users.

    Tarjan's algorithm without recursion; deterministic: ties go by name.

    Args:
        packages: Where to start.
        needs: Packages whose binaries a package builds with.
    """
    found: list[tuple[str, ...]] = []
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    for start in sorted(packages):
        if start in index:
            continue
        work: list[tuple[str, list[str]]] = []
        _enter(start, index, low, stack, waiting, work, needs)
        while work:
            node, left = work[-1]
            if left:
                other = left.pop()
                if other not in index:
                    _enter(other, index, low, stack, waiting, work, needs)
                elif other in waiting:
                    low[node] = min(low[node], index[other])
                continue
            work.pop()
            if work:
                parent = work[-1][0]
                low[parent] = min(low[parent], low[node])
            if low[node] == index[node]:
                members = []
                while True:
                    member = stack.pop()
                    waiting.discard(member)
                    members.append(member)
                    if member == node:
                        break
                found.append(tuple(sorted(members)))
    return found


def _enter(
    node: str,
    index: dict[str, int],
    low: dict[str, int],
    stack: list[str],
    waiting: set[str],
    work: list[tuple[str, list[str]]],
    needs: Callable[[str], Iterable[str]],
) -> None:
    index[node] = low[node] = len(index)
    stack.append(node)
    waiting.add(node)
    work.append((node, sorted(set(needs(node)) - {node}, reverse=True)))
