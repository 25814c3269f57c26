"""Where the journal of a sync is kept and read: a file or a table of the destination. Decides nothing."""
