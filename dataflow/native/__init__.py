"""The compiled reader: its C, and how it is compiled. Only `dataflow.input.compiled` calls it."""
