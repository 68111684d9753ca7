"""Blocked, to be built, or nothing to do: the steps that depend on other packages.

Steps 14 to 20 of the table in build semantics, section 4.2, with the cycle rules of 4.4
and the rebuild decision of 4.5.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from storage.model import JobState, JsonObject

from ..resolver import Solvable, build_root, missing_preinstalls
from .assess import Assessment, Setting
from .install import install_for
from .record import (
    Input,
    inputs_of,
    is_stand_in,
    make_record,
    meta_reason,
    source_reason,
)
from .scopes import BUSY
from .verdict import Plan, Verdict

_SHOWN_BLOCKERS = 10
_RETRY_S = 4 * 3600
FIRST_REASONS = frozenset({"new build", "source change"})


class Decider:
    """Decides packages of one scope; knows what was decided so far."""

    def __init__(
        self,
        setting: Setting,
        is_busy: Callable[[str], bool],
        partners: Callable[[str], Collection[str]],
        has_started: Callable[[str], bool],
    ) -> None:
        """Take the questions about other packages.

        Args:
            setting: The scope.
            is_busy: Whether a package of this repository waits or is built.
            partners: The other members of a package's dependency cycle.
            has_started: Whether a cycle member is built for a reason of its own.
        """
        self._setting = setting
        self._is_busy = is_busy
        self._partners = partners
        self._has_started = has_started

    def decide(self, found: Assessment) -> Verdict:
        """The verdict on an assessed package."""
        if found.verdict is not None:
            return found.verdict
        if (ended := self._ended_by_hand(found)) is not None:
            return replace(ended, record=self._record(found))
        partners = self._partners(found.package.name)
        blockers = self._blockers(found, partners)
        if blockers:
            return self._verdict(found, JobState.BLOCKED, _shown(blockers))
        reason = self.own_reason(found)
        if reason is None and any(self._has_started(name) for name in partners):
            return self._verdict(found, JobState.BLOCKED, "cycle")
        record = self._record(found)
        if reason is None and found.target is not None:
            old = found.target.record
            if is_stand_in(old):
                reason = self._retry(found)
            else:
                reason = meta_reason(old, record, self._setting.rebuild)
        if reason is None:
            return replace(self._settled(found), record=record)
        return self._planned(found, reason, record, in_cycle=bool(partners))

    def _ended_by_hand(self, found: Assessment) -> Verdict | None:
        """Somebody canceled the job: it stays so until inputs change or a rebuild is asked for."""
        target = found.target
        if target is None or target.job_id is None or target.code not in BUSY or found.job:
            return None
        newest = self._setting.unit.jobs.by_ids([target.job_id]).get(target.job_id)
        if newest is None or newest.state is not JobState.CANCELED:
            return None
        seen = (newest.ended_at or 0) < target.updated_at
        if seen or newest.srcmd5 != found.sources.id:
            return None
        return self._verdict(found, JobState.CANCELED, newest.details)

    def own_reason(self, found: Assessment) -> JsonObject | None:
        """The reason that lies in the package itself, if there is one."""
        old = found.target.record if found.target else ""
        return source_reason(old, found.sources.id)

    def _verdict(self, found: Assessment, code: JobState, details: str = "") -> Verdict:
        return Verdict(found.package, found.sources, found.target, code, details)

    def _blockers(self, found: Assessment, partners: Collection[str]) -> list[str]:
        """Binaries of the input set that are about to change, by name."""
        if self._setting.block == "never":
            return []
        return sorted(s.name for s in found.inputs if self._blocks(found, s, partners))

    def _blocks(self, found: Assessment, solvable: Solvable, partners: Collection[str]) -> bool:
        if not solvable.producer or solvable.producer == found.package.name:
            return False
        scope = self._setting.scope
        if (solvable.project, solvable.repository) == (scope.project, scope.repository):
            return solvable.producer not in partners and self._is_busy(solvable.producer)
        if self._setting.block == "local":
            return False
        for state in self._setting.states[1:]:
            place = (state.scope.project, state.scope.repository)
            if place == (solvable.project, solvable.repository):
                return state.is_busy(solvable.producer)
        return False

    def _record(self, found: Assessment) -> str:
        setting, scope = self._setting, self._setting.scope
        own = setting.own.binaries(found.package.name)
        config = setting.config
        inputs = inputs_of(
            found.inputs,
            lambda job_id: setting.repositories.maker(setting.unit, job_id),
            lambda s: (
                (s.project, s.repository) == (scope.project, scope.repository) and s.job_id != 0
            ),
            by_file=config.flag("build", "forcebinaryidmeta") is not None,
        )
        inputs += self._base_inputs(found)
        if setting.house.settings.rebuild_on_config:
            inputs.append(Input("_config", setting.config_id))
        return make_record(found.package.name, found.sources.id, inputs, own)

    def _base_inputs(self, found: Assessment) -> list[Input]:
        """One line for everything the distribution's packages pull in."""
        base = self._setting.base
        if base is None or base.universe is None:
            return []
        names = [s.name for s in found.inputs if not s.job_id]
        return [Input(base.universe.place.project, base.universe.fingerprint(names))]

    def _retry(self, found: Assessment) -> JsonObject | None:
        """A root that could not be set up is tried again, but not at once."""
        setting = self._setting
        last = setting.unit.jobs.last_finished(
            found.package.id, setting.scope.repository, setting.scope.arch
        )
        if last is not None and setting.house.clock() - (last.ended_at or 0) < _RETRY_S:
            return None
        return {"explain": "retrying bad build"}

    def _settled(self, found: Assessment) -> Verdict:
        """Nothing to do: the state is how the last build ended."""
        setting, target = self._setting, found.target
        assert target is not None
        last = setting.unit.jobs.last_finished(
            found.package.id, setting.scope.repository, setting.scope.arch
        )
        if target.job_id is not None and (last is None or target.job_id > last.id):
            newest = setting.unit.jobs.by_ids([target.job_id]).get(target.job_id)
            if newest is not None and newest.state is JobState.CANCELED:
                return self._verdict(found, JobState.CANCELED, newest.details)
        if last is None or last.result in ("succeeded", "unchanged"):
            return self._verdict(found, JobState.SUCCEEDED)
        missing = bool(last.options.get("unresolvable"))
        code = JobState.UNRESOLVABLE if missing else JobState.FAILED
        return self._verdict(found, code, last.details if missing else "")

    def _planned(
        self, found: Assessment, reason: JsonObject, record: str, *, in_cycle: bool
    ) -> Verdict:
        """Step 17 and 18: the whole root, or why there is none."""
        assert found.recipe is not None
        assert found.config is not None
        setting, parsed = self._setting, found.recipe.parsed
        pool = setting.pool(found.config.version_rules)
        missing = missing_preinstalls(pool, found.config)
        if missing:
            text = f"missing pre/vminstalls: {', '.join(missing)}"
            return self._verdict(found, JobState.UNRESOLVABLE, text)
        root = build_root(
            pool,
            found.config,
            parsed.dependencies,
            own=setting.own.binaries(found.package.name),
            prereqs=parsed.prereqs,
            hints=True,
        )
        if not root.ok:
            return self._verdict(found, JobState.UNRESOLVABLE, root.details)
        install = install_for(setting, found, root.packages)
        plan = Plan(found.recipe.filename, parsed, record, install, in_cycle)
        verdict = self._verdict(found, JobState.SCHEDULED)
        return replace(verdict, reason=reason, plan=plan, record=record)


def _shown(names: list[str]) -> str:
    shown = names if len(names) <= _SHOWN_BLOCKERS else [*names[:_SHOWN_BLOCKERS], "..."]
    return ", ".join(shown)
