"""The way of a record: bytes in, typed batches out, STATE told when durable. Knows no machine, no database."""
