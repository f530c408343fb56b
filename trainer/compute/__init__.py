"""What the training of a BERT computes, and what a GPU can at most: for a plan before a run, and for the run itself.

flop  settings, lengths -> floating-point operations
gpus  names -> peak, memory, watts
"""
