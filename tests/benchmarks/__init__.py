"""How fast, how large, how good, beside others: each prints a table, and says by its exit code whether a bound is kept.

    python -m tests.benchmarks.sentences      the sentence splitter beside others
    python -m tests.benchmarks.preparation    text -> shards beside bare tokenization, and beside NVIDIA's way
    python -m tests.benchmarks.memory         peak memory at 100 MB and 2 GB of text
    python -m tests.benchmarks.loader         shards -> batches, beside the model that eats them
    python -m tests.benchmarks.cpu_pretrain   pretraining on a CPU beside transformers
    python -m tests.benchmarks.attention      attention alone beside transformers' and torch's
    python -m tests.benchmarks.optimizer      LAMB's step beside AdamW's
    python -m tests.benchmarks.balance        how evenly ranks share the tokens of a batch
    python -m tests.benchmarks.recovery       a run that is disturbed on Kubernetes beside stock Ray Train
    python -m tests.benchmarks.squad_finetune fine-tuning on SQuAD beside transformers' run_qa
    python -m tests.benchmarks.answering      answering questions beside transformers
    python -m tests.benchmarks.squad_answers  SQuAD's windows, answers and scores beside transformers' run_qa
    python -m tests.benchmarks.step_memory    the memory of a training step beside transformers'
    python -m tests.benchmarks.gpu_pretrain   pretraining on a GPU beside transformers; --dry-run, --predict need none

Those of text and of SQuAD need the real data of ../shared/data, or of the folder that BERTH_TEST_DATA names.
"""
