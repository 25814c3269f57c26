"""What `dataflow new-connector` writes: the models of a connector, and what is put around them. No part of a sync."""
