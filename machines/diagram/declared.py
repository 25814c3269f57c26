"""A machine as a page: its picture, its arrows, what each operation does. Read from the class; nothing by hand."""

from collections.abc import Collection, Iterable, Iterator

from attrs import frozen
from statemachine import State

from machines.destination import DestinationLifecycle
from machines.lifecycle import Lifecycle
from machines.operations import MEANING
from machines.stream import StreamLifecycle

MACHINES: dict[str, type[Lifecycle]] = {"stream": StreamLifecycle, "destination": DestinationLifecycle}


@frozen
class DeclaredArrow:
    """An arrow as the class declares it; `guard` is empty for one that is always open."""

    source: str
    event: str
    guard: str
    target: str


def states(machine: type[Lifecycle]) -> Iterator[State]:
    """Every state, in the order of declaration, compounds before what is in them."""
    yield from _walk(machine.states)


def _walk(of: Iterable[State]) -> Iterator[State]:
    for state in of:
        yield state
        yield from _walk(state.states)


def arrows(machine: type[Lifecycle]) -> list[DeclaredArrow]:
    """Every arrow, in the order in which its source and itself are declared."""
    return [
        DeclaredArrow(
            str(state.id),
            str(transition.event),
            ", ".join(str(guard) for guard in transition.cond),
            str(target.id),
        )
        for state in states(machine)
        for transition in state.transitions
        for target in transition.targets
        if str(transition.event)
    ]


def walkable(machine: type[Lifecycle]) -> set[tuple[str, str, str]]:
    """Every arrow between innermost states: what a journal can show.

    An arrow into a compound ends in its initial state; one out of a compound begins in each of its states
    that an event can find it in.
    """
    inner = {str(s.id): [str(c.id) for c in _walk(s.states)] for s in states(machine) if s.states}
    first = {str(s.id): next(str(c.id) for c in s.states if c.initial) for s in states(machine) if s.states}
    return {
        (source, arrow.event, first.get(arrow.target, arrow.target))
        for arrow in arrows(machine)
        for source in inner.get(arrow.source, [arrow.source])
    }


def mermaid(machine: type[Lifecycle], visited: Collection[str] = ()) -> str:
    """The picture as Mermaid, which GitHub and most editors draw; the states that were visited stand out."""
    text = f"{machine:mermaid}".rstrip() + "\n"
    known = [str(state.id) for state in states(machine) if str(state.id) in visited]
    if not known:
        return text
    return f"{text}    classDef visited stroke-width:3px\n    class {','.join(known)} visited\n"


def dot(machine: type[Lifecycle]) -> str:
    """The picture in Graphviz's language."""
    walked = [(a.source, a.target, " / ".join(filter(None, (a.event, a.guard)))) for a in arrows(machine)]
    compounds = {str(s.id): s.states for s in machine.states if s.states}
    first = {name: next(str(c.id) for c in of if c.initial) for name, of in compounds.items()}
    lines = [f"digraph {machine.__name__} {{", "  compound=true; node [shape=box, style=rounded];"]
    for name, of in compounds.items():
        members = " ".join(f"{child.id};" for child in of)
        lines.append(f'  subgraph cluster_{name} {{ label="{name}"; {members} }}')
    for source, target, label in walked:
        ends = [("ltail", source)] * (source in compounds) + [("lhead", target)] * (target in compounds)
        borders = "".join(f", {end}=cluster_{name}" for end, name in ends)
        tail, head = first.get(source, source), first.get(target, target)
        lines.append(f'  {tail} -> {head} [label="{label}"{borders}];')
    return "\n".join([*lines, "}", ""])


def page(name: str) -> str:
    """A machine's page, in Markdown."""
    machine = MACHINES[name]
    summary = (machine.__doc__ or "").strip().splitlines()[0]
    return "\n".join(
        [
            f"# {machine.__name__}",
            "",
            f"{summary} Drawn from `machines/{name}.py` by `make diagrams`; do not edit.",
            "",
            f"![{machine.__name__}]({name}.svg)",
            "",
            "The same for an editor:",
            "",
            "```mermaid",
            mermaid(machine).rstrip(),
            "```",
            "",
            "## Arrows",
            "",
            "The first guard that holds decides. An arrow out of `running` leaves any state inside it.",
            "",
            "| from | event | if | to |",
            "|---|---|---|---|",
            *(
                f"| {a.source} | {a.event} | {a.guard.replace('_', ' ')} | {a.target} |"
                for a in arrows(machine)
            ),
            "",
            "## What the states ask",
            "",
            "| state | operation | what it does |",
            "|---|---|---|",
            *(
                f"| {state} | {operation} | {MEANING[operation]} |"
                for state, operation in machine.OPERATIONS.items()
            ),
            "",
        ]
    )
