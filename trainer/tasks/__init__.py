"""What is trained: pretraining and SQuAD, two values of `engine.task.Task`; and what a trained model does."""
