"""A diagnosis as text for people and as JSON for machines. Pure: words what it is given."""

from collections.abc import Iterator, Sequence
from typing import Any

import cattrs
from attrs import fields

from connectors.engine.dry_run.diagnosis import Diagnosis, Finding, Kind
from connectors.engine.dry_run.repair import Attempt, RepairOutcome
from dataflow.types import TableName
from machines.formatting import count, number_of, plain


def as_json(diagnosis: Diagnosis, tried: Sequence[Attempt]) -> Any:
    """The diagnosis, and what was repaired before it, or could not be."""
    return {
        "fixed": [each.words for each in tried if each.outcome is RepairOutcome.FIXED],
        "not_fixed": [each.words for each in tried if each.outcome is not RepairOutcome.FIXED],
        "findings": [
            {
                each.name: _plain(getattr(finding, each.name))
                for each in fields(Finding)
                if each.name != "life"
            }
            for finding in diagnosis.findings
        ],
        "suspicions": [
            {"table": str(each.table), "says": each.says, "fix": each.fix} for each in diagnosis.suspicions
        ],
        "tables_in_the_ledger": diagnosis.known,
        "at_work": {str(table): cattrs.unstructure(writer) for table, writer in diagnosis.at_work.items()},
    }


def as_text(diagnosis: Diagnosis, tried: Sequence[Attempt]) -> str:
    """The diagnosis, to be read from the top."""
    return "\n".join(map(plain, [*map(_attempt, tried), *_lines(diagnosis)]))


def _attempt(of: Attempt) -> str:
    return f"{of.outcome} {of.words}"


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, TableName) else value


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    """The diagnosis for a person."""
    for table, writer in diagnosis.at_work.items():
        yield f"{table}: run {writer.run} is at work{f', since {writer.since}' if writer.since else ''}."
    for finding in diagnosis.findings:
        yield from _words(finding)
    if not diagnosis.findings:
        yield "No leftovers of a crash were found."
        if not diagnosis.known:
            yield "The ledger has no table: no sync has written here. If one should have, check the configuration."
    for suspicion in diagnosis.suspicions:
        yield f"{suspicion.table}: an earlier version may have damaged it"
        yield f"  suspect      {suspicion.says}"
        yield f"  fix          {suspicion.fix}"


def _words(finding: Finding) -> Iterator[str]:
    whose = f" of stream {finding.stream}" if finding.stream else ""
    yield f"{finding.table}{whose}: {finding.kind}"
    if finding.temp is not None:
        rows = "" if finding.rows is None else f", about {count(finding.rows)} rows"
        yield f"  table        {finding.temp}{rows}"
    by = [f"run {finding.run}"] if finding.run else []
    by += [f"since {finding.since}"] if finding.since else []
    if by:
        yield f"  left by      {', '.join(by)}"
    if finding.recipe:
        yield f"  opened       for {finding.recipe}"
    if finding.shards is not None:
        yield f"  shards       {finding.written} of {number_of(finding.shards, 'shard')} are there"
    if finding.begun:
        yield f"  begun        {finding.begun}"
    elif finding.kind in (Kind.WAITING, Kind.MISSING) or finding.acknowledged:
        yield f"  acknowledged {_acknowledged(finding)}"
    yield f"  fix          {_fix(finding)}"
    if finding.why:
        yield f"               because {finding.guard}: {finding.why}"


def _acknowledged(finding: Finding) -> str:
    if not finding.acknowledged:
        return "no: the source will send these rows again"
    if finding.kind in (Kind.MISSING, Kind.EMPTY):
        return "yes, and they are gone: the source may not send them again. Refresh the stream, or restore the table"
    return (
        "possibly: a STATE covers rows of it. If that STATE was emitted, the source does not send them again"
    )


def _fix(finding: Finding) -> str:
    if finding.failure:
        return f"by hand: {finding.failure}"
    if finding.kind in (Kind.DEAD_RUN, Kind.UNNAMED, Kind.LOAD):
        return finding.does
    if finding.left:
        return _fix_of_another(finding)
    if finding.acknowledged and finding.kind in (Kind.MISSING, Kind.EMPTY):
        return f"the next sync goes to {finding.state}: {finding.does}"
    return f"no action is needed. The next sync goes to {finding.state}: {finding.does}"


def _fix_of_another(finding: Finding) -> str:
    """What ends something of a stream that this catalog does not have."""
    if finding.fix is None:
        return (
            "no stream of this catalog uses it, and a part of a refresh is worthless without the rest: let its own "
            "sync finish it. If that sync no longer runs, drop the table and the rows acknowledged in it"
        )
    return f"no stream of this catalog uses it; with --fix: {finding.does}"
