"""What a run needs and costs, by arithmetic from its settings alone; nothing is run, and torch is not loaded."""
