"""What a Python program calls: a load of its data, without a command, a terminal or a signal handler."""
