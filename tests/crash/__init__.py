"""Real processes, killed and restarted against real databases; then the table is compared with an undisturbed one."""
