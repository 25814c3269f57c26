"""The decisions: every lifecycle as an explicit state machine. Holds no SQL and performs no I/O."""
