"""The planner: from events to jobs, and from results to whoever waits for them."""
