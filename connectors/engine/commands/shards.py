"""`dataflow shards`: a load step by step, for schedulers that run the steps themselves. Each step may be repeated.

What was asked for is shown on stdout, and every warning and error on stderr.
"""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.engine.commands.load_order import fault_argument, order_arguments, order_of
from connectors.engine.commands.load_shown import asked, job_of

if TYPE_CHECKING:
    from connectors.engine.load.plan_file import LoadPlan
    from connectors.engine.process.open_load import Steps
    from connectors.engine.process.signals import Requests

# As many workers there are taken to be, when shards are cut for them.
ELSEWHERE = 8
# What `status` exits with while shards are missing, or the publication has not ended.
MISSING = 3
STEPS = {
    "open": "open a load of files into a table, and write its plan",
    "run": "write one shard of the load",
    "publish": "bring the rows of all shards into the table",
    "status": "show which shards are written",
    "discard": "drop what the load has written, and forget it",
}


def shard_number(text: str) -> int:
    """A number from 0 on, such as a ledger can hold."""
    if not re.fullmatch("[0-9]{1,9}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a shard: they count from 0")
    return int(text)


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP", title="steps")
    made = {}
    for name, does in STEPS.items():
        made[name] = steps.add_parser(name, help=does, description=does.capitalize() + ".")
        made[name].add_argument("plan", type=Path, metavar="PLAN", help="the file of the load's plan")
    order_arguments(made["open"])
    made["run"].add_argument("number", type=shard_number, metavar="N", help="the shard's number, from 0")
    for name in ("run", "publish", "status", "discard"):
        made[name].add_argument(
            "--config", help="the destination's configuration, if it is not the file that the plan names"
        )
    for name in ("publish", "discard"):
        made[name].add_argument("--journal", type=Path, help="append every lifecycle transition to this file")
    made["status"].add_argument(
        "--missing",
        action="store_true",
        help="print the numbers of the shards that are not written, and no more",
    )
    for name in STEPS:
        fault_argument(made[name])


def run(given: argparse.Namespace) -> int:
    """Take the step; 1 when it failed, and 128 and the signal's number when it was asked to stop."""
    given.command = f"shards {given.step}"
    requests = given.requests = asked()
    if given.step == "open":
        return _open(given, requests)
    from connectors.engine.load.plan_file import read_plan
    from connectors.engine.process.open_load import NO_LOAD

    plan = read_plan(given.plan)
    if plan.load == NO_LOAD:
        if not (given.step == "status" and given.missing):
            given.terminal.show("Nothing to load: the load has no shards.")
        return 0
    return _STEPS[given.step](given, plan, requests)


def _open(given: argparse.Namespace, requests: "Requests") -> int:
    from connectors.engine.load.plan_file import write_plan
    from connectors.engine.process.load_files import stop_by
    from connectors.engine.process.open_load import Steps, config_in_plan
    from machines.formatting import number_of

    stop = stop_by(requests, given.runtime.threads)
    order = order_of(given, ELSEWHERE)
    job = job_of(given, given.to, given.config, stop)
    loaded, plan = Steps(job).open(order, config_in_plan(given.to, given.config))
    if plan is None:
        return requests.failure_code
    write_plan(given.plan, plan)
    if loaded.known:
        were = "was" if len(loaded.known) == 1 else "were"
        given.terminal.show(f"{number_of(len(loaded.known), 'file')} {were} loaded before.")
    if not plan.shards:
        given.terminal.show("Nothing to load.")
        return 0
    given.terminal.show(
        f"The load is open: {number_of(plan.shards, 'shard')} of {number_of(loaded.files, 'file')}, numbered from 0."
    )
    return 0


def _run(given: argparse.Namespace, plan: "LoadPlan", requests: "Requests") -> int:
    from machines.formatting import number_of

    steps = _steps(given, plan, requests)
    outcome = steps.write(plan, given.number)
    if outcome.failure is not None:
        steps.job.showing.outlet.report(outcome.failure.error)
        return requests.failure_code
    came = "was written before" if outcome.found else f"is written: {number_of(outcome.read.rows, 'row')}"
    given.terminal.show(f"Shard {given.number} {came}.")
    return 0


def _publish(given: argparse.Namespace, plan: "LoadPlan", requests: "Requests") -> int:
    from connectors.engine.commands.load_shown import show_loaded

    steps = _steps(given, plan, requests)
    loaded = steps.publish(plan)
    if loaded.nothing_to_do:
        given.terminal.show(f"The load was published before: its rows are in {plan.table}.")
        return 0
    show_loaded(given.terminal, loaded)
    return 0 if loaded.succeeded else requests.failure_code


def _discard(given: argparse.Namespace, plan: "LoadPlan", requests: "Requests") -> int:
    steps = _steps(given, plan, requests)
    loaded = steps.discard(plan)
    if not loaded.succeeded:
        return requests.failure_code
    given.terminal.show(loaded.standing or "The load is not open: there is nothing to drop.")
    return 0


def _status(given: argparse.Namespace, plan: "LoadPlan", requests: "Requests") -> int:
    from connectors.engine.process.open_load import names_of
    from dataflow.errors import ConfigError
    from machines.formatting import number_of
    from machines.loads import written

    found = _steps(given, plan, requests).look(plan)
    if found.is_being_published(plan.load):
        if not given.missing:
            given.terminal.show(
                f"The load is being published, and its rows are not all in {plan.table} yet. If no process is at "
                "work, `dataflow shards publish` completes it."
            )
        return 0 if given.missing else MISSING
    if found.was_published(plan.load):
        if not given.missing:
            given.terminal.show(f"The load is published: its rows are in {plan.table}.")
        return 0
    if not found.is_open(plan.load):
        raise ConfigError(
            f"The load is not open on {plan.table}: it was dropped, or another has replaced the table since.",
            doing="looking for the load",
            remedy="Open it again with `dataflow shards open`.",
        )
    missing = [shard for shard in found.shards if shard.rows is None]
    if given.missing:
        given.terminal.show("".join(f"{shard.number}\n" for shard in missing), end="")
        return 0
    rows = number_of(sum(shard.rows or 0 for shard in found.shards), "row")
    shards = number_of(len(found.shards), "shard")
    given.terminal.show(f"{written(found.shards)} of {shards} are written: {rows}.")
    for shard in missing:
        given.terminal.show(f"  {shard.number} is missing: {', '.join(names_of(shard))}")
    return MISSING if missing else 0


def _steps(given: argparse.Namespace, plan: "LoadPlan", requests: "Requests") -> "Steps":
    from connectors.engine.process.load_files import stop_by
    from connectors.engine.process.open_load import Steps
    from dataflow.errors import ConfigError

    config = given.config or plan.config
    if config is None:
        raise ConfigError(
            "The plan names no configuration, since the load was opened by a URL, which may hold a secret.",
            doing="reading the load's plan",
            remedy="Give --config, the same URL or a JSON file.",
        )
    stop = stop_by(requests, given.runtime.threads)
    return Steps(job_of(given, plan.destination, config, stop))


_STEPS = {"run": _run, "publish": _publish, "status": _status, "discard": _discard}
