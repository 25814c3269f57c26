"""The kit's plugin, which lists the tests that a capability leaves out."""

pytest_plugins = ["connectors.testkit.plugin"]
