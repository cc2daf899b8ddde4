"""The always-on daemon."""
