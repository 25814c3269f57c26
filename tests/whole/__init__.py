"""Whole syncs through stdin and stdout, as the platform runs them: a process, two pipes, a real database."""
