"""Physics-based frames: the embedded data source."""
