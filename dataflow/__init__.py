"""The way of a record: bytes in, typed columnar batches out, STATE told when durable. Knows no machine and no database."""
