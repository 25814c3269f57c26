"""What the suites' tests are made of: a destination under test, its rows, and runs and syncs on it. Holds no test."""
