"""What a run may come to: the database then, the run, and what is known of its sync. Values only."""

from attrs import frozen

from machines.operations import Recipe
from machines.verify.database import Database, Row
from machines.verify.values import Interned
from machines.verify.world import Run


@frozen(eq=False)
class News(metaclass=Interned):
    """What a move changes of a sync's progress: items that were sent or acknowledged, and whether it has ended with
    success. `brought` are the rows that a flush made durable. `published`: temp has replaced the final table, with this
    recipe and rows of this lineage.
    """

    sent: int = 0
    acknowledged: int = 0
    complete: bool = False
    brought: tuple[Row, ...] = ()
    published: tuple[Recipe, int] | None = None


NOTHING = News()


@frozen(eq=False)
class Move:
    """What is committed then, where the run is (None when it is gone), and what is known of its sync.

    `befell` names the operation that a disturbance struck, empty when all went well. `fences`: the run has claimed the
    table, and no other owns it; `claiming` is where it is then, if something of the claim is left to do. `piece`: it
    belongs to a flush of less than the whole that is left, or to one after another that is at work.
    """

    label: str
    database: Database
    run: Run | None
    news: News = NOTHING
    befell: str = ""
    fences: bool = False
    piece: bool = False
    claiming: Run | None = None


def published_by(before: Database) -> tuple[Recipe, int] | None:
    """What a replacement publishes: temp's recipe, and the lineage of its rows, -1 if there are none."""
    recipe, temp = before.entry.recipe, before.temp
    if recipe is None or temp is None:
        return None
    return recipe, temp.rows[0].record.lineage if temp.rows else -1
