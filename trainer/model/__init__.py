"""BERT without padding: packing -> attention -> bert -> heads, and hf, tokenizer, pretrained for what lies on disk.

Nothing here knows of distribution, autocast or compilation; the engine applies those. Letters for shapes, everywhere
in this folder: T tokens of a batch, S sequences, L tokens of the longest one, M masked tokens, H attention heads,
D width of a head, V pieces of the vocabulary.
"""
