"""What breaks the agent on purpose, and counts what that cost: `make soak`. Everything is real and on loopback."""
