"""What arrives from outside and becomes a commit or an event; imports storage only."""
