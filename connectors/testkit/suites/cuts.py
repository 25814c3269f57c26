"""The suite of runs that end between two requests: whatever reached the database, the next run keeps the five laws.

It listens to the connector's requests, and so knows no class of database: a connector that claims more than its
database keeps fails here, and one that claims less passes.
"""

import pytest

from connectors.contract import Atomic
from connectors.testkit.harness.cuts import FLUSH, Fault, Story
from connectors.testkit.harness.destination import Destination, Suite
from connectors.testkit.harness.theatre import theatre
from dataflow.catalog import Strategy
from machines.operations import StreamOperation

O = StreamOperation  # noqa: E741 - the tables below are read by what follows it
APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE

STORIES = (
    Story(operation=O.CLAIM, strategy=DEDUP, before=DEDUP),
    Story(operation=O.SETTLE, strategy=APPEND, before=DEDUP),
    Story(operation=O.SETTLE, strategy=DEDUP, before=APPEND_TRUNCATE, generation=3),
    Story(operation=O.DISCARD, strategy=APPEND_TRUNCATE, before=APPEND_TRUNCATE, generation=3),
    Story(operation=O.OPEN_TEMP, strategy=DEDUP),
    Story(operation=O.RESUME_TEMP, strategy=DEDUP_TRUNCATE, before=DEDUP_TRUNCATE),
    Story(operation=O.OPEN_FINAL, strategy=APPEND),
    Story(operation=FLUSH, strategy=APPEND),
    Story(operation=FLUSH, strategy=APPEND_TRUNCATE),
    Story(operation=O.MERGE, strategy=DEDUP),
    Story(operation=O.MERGE, strategy=APPEND),
    Story(operation=O.SWAP, strategy=APPEND_TRUNCATE),
    Story(operation=O.DEDUPE_AND_SWAP, strategy=DEDUP_TRUNCATE),
    Story(operation=O.ABANDON, strategy=DEDUP, gives_up=True),
)
# One that adds by another recipe than its sync's, and one that replaces.
PUBLISHING = (
    Story(operation=O.SETTLE, strategy=APPEND, before=DEDUP),
    Story(operation=O.DEDUPE_AND_SWAP, strategy=DEDUP_TRUNCATE),
)


class CutSuite(Suite):
    """Each operation is cut before and after each of its requests, and loses each answer: nothing is lost or left."""

    def test_a_client_says_of_every_request_that_it_sends(self, destination: Destination) -> None:
        """Without it no run could be cut, and the tests below would pass for every connector."""
        with theatre(destination) as stages:
            heard = stages.requests(story for story in STORIES if story.is_said_in(stages.atomic))
            # A change and, where others may be durable with it, their COMMIT.
            least = 2 if stages.atomic in (Atomic.EVERYTHING, Atomic.ROWS) else 1

        assert {story: said for story, said in heard.items() if len(said) < least} == {}

    @pytest.mark.parametrize("story", STORIES, ids=str)
    def test_a_run_may_end_before_or_after_any_request(self, destination: Destination, story: Story) -> None:
        """The next run finds every acknowledged record, leaves no table, and the sync after it ends well.

        A run that completes a publication may end so too: what was decided is carried through, however many runs
        that takes.
        """
        with theatre(destination) as stages:
            begun = None
            for act in stages.play(story, Fault.CUT):
                broken = act.broken()
                begun = begun or (act.at if act.begun else None)

                assert not broken, f"{story} was cut before {act.where}: {broken}"
            if story not in PUBLISHING:
                return

            # One commit for all begins none.
            assert (begun is None) == (stages.atomic is Atomic.EVERYTHING)
            for act in stages.play_completion(story, begun) if begun is not None else ():
                broken = act.broken()

                assert not broken, f"{story}: its completion was cut before {act.where}: {broken}"

    @pytest.mark.parametrize("story", STORIES, ids=str)
    def test_the_answer_to_any_request_may_be_lost(self, destination: Destination, story: Story) -> None:
        """The request was performed, and the run does not know: it repeats what is not there yet."""
        with theatre(destination) as stages:
            for act in stages.play(story, Fault.LOST_ANSWER):
                broken = act.broken()

                assert not broken, f"{story} lost the answer to {act.where}: {broken}"
