"""The compiled encoder of binary COPY: its C. Only `connectors.postgres.encoding` calls it."""
