"""How fast, how large, how good, beside others: each prints a table, and says by its exit code whether a bound is kept.

    python -m tests.benchmarks.sentences      the sentence splitter beside others
    python -m tests.benchmarks.preparation    text -> shards beside bare tokenization, and beside NVIDIA's way
    python -m tests.benchmarks.memory         peak memory at 100 MB and 2 GB of text
    python -m tests.benchmarks.loader         shards -> batches, beside the model that eats them

The first three need the real data of ../shared/data, or of the folder that BERTH_TEST_DATA names.
"""
