"""From text to training samples: what is above the line is done once, what is below it anew for every batch.

    sources    files, folders, globs        -> documents (str), streamed
    sentences  a document                   -> sentences
    vocab      words of all documents       -> WordPiece pieces (vocab.txt), the same on every machine
    prepare    runs these and the next two
    encoding   sentences                    -> token ids
    shards     token ids                    -> Arrow files, described by a manifest (corpus.json)
    ------------------------------------------------------------------------------------------------------------
    corpus     Arrow files, memory-mapped   -> any document, at once
    chunks     sentence lengths             -> runs of sentences that fill an instance; one is one sample of an epoch
    order      step                         -> sample numbers, by a permutation function; no state
    instances  a chunk                      -> [CLS] A [SEP] B [SEP], half the B random
    masking    an instance                  -> masked ids, positions, labels
    batches    (step, rank, world size)     -> the rank's samples, the last three for each

`world` invents text and questions for the quickstart. No torch here: all is numpy, and `randomness` is addressed by
(seed, epoch, sample), so batch n is a function of (data, seed, n) alone.
"""
