"""The databases: what a connector author writes, and the framework that runs it."""
