"""The one schema of a run, and how it is read. What laptop and pod share."""
