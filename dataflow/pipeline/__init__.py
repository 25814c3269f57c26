"""From parcels to durable flushes and emitted STATEs: the threads, and what waits between them."""
