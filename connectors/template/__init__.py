"""What `dataflow new-connector` puts around a connector: test, pyproject.toml, README. No part of a sync."""
