"""From text to training samples: what is above the line is done once, what is below it anew for every batch.

    sources    files, folders, globs        -> documents (str), streamed
    sentences  a document                   -> sentences
    vocab      words of all documents       -> WordPiece pieces (vocab.txt), the same on every machine
    prepare    runs these and the next two
    encoding   sentences                    -> token ids
    shards     token ids                    -> Arrow files, described by a manifest (corpus.json)
    preprocessed  instances of others       -> the same, instead of all the above
    ------------------------------------------------------------------------------------------------------------
    corpus     Arrow files, memory-mapped   -> any document, at once
    chunks     sentence lengths             -> runs of sentences that fill an instance; one is one sample of an epoch
    order      running number               -> sample number, by permutation functions and weights; no state
    instances  a chunk                      -> [CLS] A [SEP] B [SEP], half the B random
    masking    an instance                  -> masked ids, positions, labels
    drawn_instances  number, generator      -> a sample, by the last two; `given_instances`: of what others made
    batches    (step, rank, world size)     -> the rank's samples, in their order

`world` invents text and questions for the quickstart. No torch here: all is numpy, and `randomness` is addressed by
(seed, round, sample), so batch n is a function of (data, seed, n) alone.
"""
