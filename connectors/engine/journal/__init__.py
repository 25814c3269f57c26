"""The keeping and the reading of a sync's journal: a file or a table of the destination. Decides nothing."""
