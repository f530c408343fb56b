"""SQuAD v1.1 and v2.0: a JSON file -> examples -> windows -> (a model's logits) -> answers -> exact match and F1.

`examples` reads the file, `features` cuts each question and context into windows of tokens, `answers` turns the logits
of the windows into text, `metrics` scores the text as the official scripts do. There is no torch in this folder: arrays
go in and come out.
"""
