"""The one training loop, its state, its checkpoints, and the workers it runs on."""
