"""Whole histories of syncs, as a seed decides them: the production code under a scheduler."""
