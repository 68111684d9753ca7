"""HTTP and composition; the only room that knows Flask, XML and the two APIs."""
