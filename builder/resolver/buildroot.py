"""From a recipe's list to the whole build root and to the part that counts as input.

Contract: build semantics, section 2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..prjconf import ProjectConfig
from .expander import Expansion, expand
from .pool import Pool

_IMAGE_TYPES = frozenset({"docker", "mkosi"})


def build_root(
    pool: Pool,
    config: ProjectConfig,
    dependencies: Sequence[str],
    *,
    own: Sequence[str] = (),
    prereqs: Sequence[str] = (),
    hints: bool = False,
) -> Expansion:
    """Everything that has to be in the root of a build.

    Args:
        pool: One candidate per name.
        config: Combined configuration of the repository.
        dependencies: The recipe's words: ``x``, ``!x``, ``-x``, ``--switch--``.
        own: Binaries the package itself made in its last build.
        prereqs: What its packages need before installation; join the root only.
        hints: Add the versions that are there to a missing version.
    """
    dropped, direct, extra = _prepared(
        config, dependencies, own, (*config.required, *config.support)
    )
    if config.type not in _IMAGE_TYPES:
        direct += [*config.preinstall, *extra]
        known = [p for p in prereqs if not p.startswith("/") or pool.is_known_file(p)]
        direct += ["--directdepsend--", *known] if known else []
    direct = _substituted(config, direct, dropped)
    return expand(pool, config, [*direct, *sorted(dropped)], hints=hints)


def input_set(
    pool: Pool,
    config: ProjectConfig,
    dependencies: Sequence[str],
    *,
    own: Sequence[str] = (),
    hints: bool = False,
) -> Expansion:
    """The part of the root whose changes cause a rebuild; arguments as ``build_root``."""
    dropped, direct, extra = _prepared(config, dependencies, own, config.required)
    if config.type not in _IMAGE_TYPES:
        direct += extra
    direct = _substituted(config, direct, dropped)
    background = set(config.substituted([*config.preinstall, *config.support]))
    background.difference_update(direct)
    background.update(config.ignorerebuild)
    expansion = expand(pool, config, [*direct, *sorted(dropped)], hints=hints)
    kept = tuple(s for s in expansion.packages if s.name not in background)
    return replace(expansion, packages=kept)


def missing_preinstalls(pool: Pool, config: ProjectConfig) -> list[str]:
    """Preinstall and VMinstall names that no repository has."""
    names = dict.fromkeys((*config.preinstall, *config.vminstall))
    return [n for n in names if pool.get(n) is None and not pool.behind(n)]


def _prepared(
    config: ProjectConfig,
    dependencies: Sequence[str],
    own: Sequence[str],
    extra: Sequence[str],
) -> tuple[set[str], list[str], list[str]]:
    """Words to drop (``-x``), the recipe's other words, and the configuration's list."""
    dropped = {word for word in dependencies if _is_drop(word)}
    direct = [word for word in dependencies if not _is_drop(word)]
    if config.keep:
        kept = {*direct, *config.keep, *config.preinstall}
        dropped.update(f"-{name}" for name in own if name not in kept)
    else:
        extra = [name for name in extra if name not in own]
    return dropped, direct, list(extra)


def _is_drop(word: str) -> bool:
    return word.startswith("-") and not word.startswith("--")


def _substituted(config: ProjectConfig, direct: Sequence[str], dropped: set[str]) -> list[str]:
    kept = [word for word in direct if f"-{word}" not in dropped]
    return [word for word in config.substituted(kept) if f"-{word}" not in dropped]
