"""From an event to a published repository; imports storage only."""
