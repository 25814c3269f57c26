"""The databases that are searched: what each makes durable in one piece, how it replaces a table, and the rules of the
protocol that it is searched with. Values only.

A rule is there to be left out: the search must then find a history that breaks a law.
"""

from collections.abc import Mapping
from enum import StrEnum

from attrs import frozen

from machines.parts import Atomic


class Replaces(StrEnum):
    """How a table takes another's place in one statement."""

    RENAME = "rename"  # both tables are renamed: temp is not there any more
    EXCHANGE = "exchange"  # both tables change names: temp has the old rows
    COPY = "copy"  # the final table has temp's rows, and temp stays


class Rule(StrEnum):
    """What the protocol does beside the order of its parts, so that a crash between two commits is read correctly."""

    DECIDE_TO_REPLACE = "decide_to_replace"
    DECIDE_TO_ADD = "decide_to_add"
    DECIDE_BEFORE_DEDUPE = "decide_before_dedupe"
    COMPLETE_WHAT_WAS_BEGUN = "complete_what_was_begun"
    CREATE_BEFORE_NAMING = "create_before_naming"
    FORGET_BEFORE_DROPPING = "forget_before_dropping"
    SWEEP_WHAT_IS_UNNAMED = "sweep_what_is_unnamed"
    KEEP_WHAT_IS_PUBLISHED = "keep_what_is_published"
    FIT_TEMP = "fit_temp"
    USE_A_NAME_ONCE = "use_a_name_once"
    RENEW_NAMES = "renew_names"
    FENCE = "fence"
    LOOK_FOR_ROWS = "look_for_rows"
    RESERVE_IDS = "reserve_ids"
    COPY_WHAT_IS_MISSING = "copy_what_is_missing"
    MARK_WHAT_IS_PUBLISHED = "mark_what_is_published"
    STOP_AT_THE_GAP = "stop_at_the_gap"
    APPEND_THROUGH_TEMP = "append_through_temp"
    NOTE_WHERE_ROWS_GO = "note_where_rows_go"
    KEEP_OTHERS_OUT = "keep_others_out"
    LOOK_AT_THE_LOAD = "look_at_the_load"
    FORGET_THE_SHARDS = "forget_the_shards"
    ROWS_WITH_THEIR_SHARD = "rows_with_their_shard"
    KEEP_A_LOADS_ROWS = "keep_a_loads_rows"
    COUNT_THE_SHARDS = "count_the_shards"
    OPEN_SHARDS_ONCE = "open_shards_once"
    RESERVE_SHARDS_IDS = "reserve_shards_ids"
    FILES_WITH_THE_DECISION = "files_with_the_decision"
    FILES_AFTER_THE_CLAIM = "files_after_the_claim"
    CLAIM_FOR_NOTHING = "claim_for_nothing"


MEANING: Mapping[Rule, str] = {
    Rule.DECIDE_TO_REPLACE: "The ledger says that temp replaces the final table before it does.",
    Rule.DECIDE_TO_ADD: "The ledger says that temp is added to the final table before it is.",
    Rule.DECIDE_BEFORE_DEDUPE: "The ledger says that temp replaces the final table before temp is deduplicated.",
    Rule.COMPLETE_WHAT_WAS_BEGUN: "A run completes the publication that an earlier one began.",
    Rule.CREATE_BEFORE_NAMING: "The ledger names temp once it is there.",
    Rule.FORGET_BEFORE_DROPPING: "The ledger forgets temp before it is dropped.",
    Rule.SWEEP_WHAT_IS_UNNAMED: "Temp tables that the ledger does not name are dropped.",
    Rule.KEEP_WHAT_IS_PUBLISHED: "A temp table that is being published is not forgotten.",
    Rule.FIT_TEMP: "Temp has its recipe's columns before it is added.",
    Rule.USE_A_NAME_ONCE: "Each temp table has a name that no other had.",
    Rule.RENEW_NAMES: "A claim and a retry give temp a name that no statement sent before knows.",
    Rule.FENCE: "A commit is refused when another run has claimed the table.",
    Rule.LOOK_FOR_ROWS: "A flush that is repeated looks whether its rows are there.",
    Rule.RESERVE_IDS: "The ledger's highest raw id is written before rows that go beyond it.",
    Rule.COPY_WHAT_IS_MISSING: "Rows are copied whose raw ids are not there.",
    Rule.MARK_WHAT_IS_PUBLISHED: "The final table bears a mark of the temp table that was published.",
    Rule.APPEND_THROUGH_TEMP: "An append writes to temp, too, if one statement is all that is atomic.",
    Rule.NOTE_WHERE_ROWS_GO: "The ledger says that rows go to the final table, and names no temp table any more.",
    Rule.STOP_AT_THE_GAP: "A checkpoint beyond a flush that is missing counts for nothing.",
    Rule.KEEP_OTHERS_OUT: "A claim is refused as long as a load of another life is open.",
    Rule.LOOK_AT_THE_LOAD: "A worker writes a shard only as long as its load is open, and not as its plan says.",
    Rule.FORGET_THE_SHARDS: "A load's shards are forgotten with its temp table.",
    Rule.ROWS_WITH_THEIR_SHARD: "A shard's rows are one commit with the row that says they are there.",
    Rule.KEEP_A_LOADS_ROWS: "A load that goes on keeps all rows of its temp table.",
    Rule.COUNT_THE_SHARDS: "A load is published only if all of its shards are there.",
    Rule.OPEN_SHARDS_ONCE: "An opening whose answer was lost leaves the shards as they are.",
    Rule.RESERVE_SHARDS_IDS: "The ledger's highest raw id is beyond those of all shards from their opening on.",
    Rule.FILES_WITH_THE_DECISION: "A load's files are known with the decision to publish it.",
    Rule.FILES_AFTER_THE_CLAIM: "A load looks after its claim whether its files are known.",
    Rule.CLAIM_FOR_NOTHING: "A load without new files claims the table where a publication may be cut in two.",
}


@frozen(kw_only=True)
class Kind:
    """A kind of database. `ends_others`: it waits until nothing that was sent before is at work, or ends it.

    `without`: the rules that are left out.
    """

    name: str
    atomic: Atomic
    replaces: Replaces
    ends_others: bool = False
    without: frozenset[Rule] = frozenset()

    def keeps(self, rule: Rule) -> bool:
        """Whether it is searched with the rule."""
        return rule not in self.without

    @property
    def renews(self) -> bool:
        """Whether temp has a new name after each claim and retry."""
        return self.atomic is Atomic.STATEMENT and self.keeps(Rule.RENEW_NAMES)

    @property
    def names_are_once(self) -> bool:
        """Whether no two temp tables have the same name."""
        return self.atomic is not Atomic.EVERYTHING and self.keeps(Rule.USE_A_NAME_ONCE)


A = Kind(name="A", atomic=Atomic.EVERYTHING, replaces=Replaces.RENAME)
B = Kind(name="B", atomic=Atomic.ROWS, replaces=Replaces.RENAME)
C = Kind(name="C", atomic=Atomic.STATEMENT, replaces=Replaces.EXCHANGE)
D = Kind(name="D", atomic=Atomic.TABLE, replaces=Replaces.COPY)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (A, B, C, D)}
