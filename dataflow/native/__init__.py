"""The compiled reader: its C, and how it is compiled. Python calls it in `dataflow.reading`, and nowhere else."""
