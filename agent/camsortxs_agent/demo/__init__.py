"""The whole system on one machine: `python -m camsortxs_agent.demo`."""
