"""What a sync shows while it runs: its log and its progress. Changes nothing."""
