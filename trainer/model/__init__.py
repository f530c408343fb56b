"""BERT without padding: packing -> attention -> bert -> heads, encoder. For what lies on disk:

    pretrained     a model in, from any of the formats below, and out, as a directory of Hugging Face's
    catalogue      names for models that stand elsewhere
    hf, hf_config  Hugging Face's names and configuration
    weights        the tensors in files, without executing anything
    nemo, dle      NVIDIA's formats; anatomy, archive: what they need
    tokenizer      vocab.txt, tokenizer.json
    onnx_file      out, for programs that know no torch

Nothing here knows of distribution, autocast or compilation; the engine applies those. Letters for shapes, everywhere
in this folder: T tokens of a batch, S sequences, L tokens of the longest one, M masked tokens, H attention heads,
D width of a head, V pieces of the vocabulary.
"""
