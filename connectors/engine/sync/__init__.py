"""One sync: its streams, the transactions of their operations, and what keeps it from starting. Reads no option."""
