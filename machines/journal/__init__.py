"""The journal of the machines: its entries, what they amount to, and their replay. Reads and writes no file."""
