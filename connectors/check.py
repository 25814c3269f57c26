"""Whether a sync could work: the real cycle on a table of its own, in the real schemas. Leaves nothing behind."""

import time
import uuid

import numpy as np
import pyarrow as pa

from connectors.contract import Connector
from connectors.transactions import RetryPolicy, Transactions
from dataflow.batch import OpenBatch, with_raw_ids
from dataflow.errors import InternalError
from dataflow.protocol import Records
from dataflow.raw_ids import RawIds
from dataflow.structs import Shape, data_struct
from dataflow.types import STRING, Column, StreamName, TableName

_COLUMNS = (Column("test_key", "test_key", STRING),)


def check_connector(connector: Connector) -> None:
    """Create the namespaces and the ledger, then create, fill, count and drop a table. Raises a DataflowError."""
    transactions = Transactions(connector, RetryPolicy(attempts=2), lambda *_: None)
    client = transactions.client
    table = TableName(connector.default_namespace, f"_airbyte_connection_test_{uuid.uuid4().hex}")

    def work() -> None:
        for namespace in (connector.default_namespace, connector.internal_namespace):
            client.create_namespace(namespace)
        client.ledger.prepare()
        client.create_table(table, _COLUMNS, ())
        connector.insert_buffer(client).insert(table, _COLUMNS, [_one_row(connector)])
        written = client.count_rows(table)
        client.drop_table(table)
        if written != 1:
            raise InternalError(
                f"Failed to insert expected rows into check table. Actual written: {written}",
                doing="checking the connection",
            )

    try:
        transactions.run("checking the connection", work)
    finally:
        client.close()


def _one_row(connector: Connector) -> pa.RecordBatch:
    shape = Shape(
        name=StreamName(None, "check"),
        columns=_COLUMNS,
        limits=connector.columns.limits,
        generation_id=0,
        sync_id=0,
    )
    batch = OpenBatch(shape.name)
    record = data_struct(_COLUMNS)(f0="test_value")
    batch.add(Records(stream=shape.name, data=[record], emitted_at=np.array([time.time() * 1000], np.int64)))
    return with_raw_ids(batch.close(shape), shape, RawIds()).rows
