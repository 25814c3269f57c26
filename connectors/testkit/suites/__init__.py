"""The suites, one a module: each is a class of tests. `connectors.testkit` gives their order."""
