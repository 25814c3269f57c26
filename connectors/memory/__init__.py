"""The memory destination: the smallest correct connector, the one to copy. Its parts meet in `connector`."""
