"""Inputs that are right, for cases to make wrong: a run, a corpus, values of the chart, a SQuAD file."""

import json
from typing import Any

QUESTION: dict[str, Any] = {
    "id": "1",
    "question": "What is it?",
    "answers": [{"text": "a town", "answer_start": 9}],
}
RUN = """\
name: mine
corpus: {sources: [{path: text.txt}], held_out: 0}
vocab: {size: 200}
model: {hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 16}
pretrain: {max_steps: 2, batch_size: 4, max_length: 64}
squad: [{name: squad, train: [dev.json], dev: dev.json, max_length: 128, max_query_length: 32, doc_stride: 64}]
"""
CORPUS = "storage: towns\ncorpus: {sources: [{path: text.txt}], held_out: 0}\nvocab: {size: 200}\n"
VALUES = "worker: {cpu: 1}\nstorage: {secret: s3}\nray_token: {secret: ray}\nrun: {storage: s3://bucket/runs}\n"


def squad(*questions: dict[str, Any], context: Any = "Berth is a town.") -> str:
    """A SQuAD file of one paragraph."""
    paragraph = {"context": context, "qas": list(questions)}
    return json.dumps({"version": "1.1", "data": [{"title": "Berth", "paragraphs": [paragraph]}]})
