"""`explorer push`: a lineage copied to another store."""
