"""From lines of the protocol to typed columns. Keeps nothing from one chunk to the next."""
