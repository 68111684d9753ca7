"""URL rules whose builders are made when first needed.

werkzeug compiles two functions per rule that turn values back into a URL. Hardly
any route here is ever built, and compiling all of them takes longer than
everything else at the start of the application.
"""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.routing import Rule

_Builder = Callable[..., tuple[str, str]]


class LazyRule(Rule):
    """A rule that matches at once and learns to build later."""

    def _compile_builder(self, append_unknown: bool = True) -> _Builder:
        compiled: list[_Builder] = []

        def build(rule: LazyRule, **values: object) -> tuple[str, str]:
            if not compiled:
                compiled.append(Rule._compile_builder(rule, append_unknown))
            return compiled[0](rule, **values)

        return build
