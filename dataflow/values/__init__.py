"""What a value of a source becomes: texts to cells, cells to Arrow columns. Knows no message and no stream."""
