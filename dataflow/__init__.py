"""The way of a record: bytes in, typed batches out, STATE emitted when durable. Knows no machine, no database."""
