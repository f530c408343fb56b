"""Before expensive work: are the nodes, the network between them and the storage what a run needs?

    meeting        workers tell one another, through the store of their process group, with a time limit on everything
    node_facts     one node: versions, GPUs, free disk, /dev/shm, memory
    network        sums over all workers; then all pairs of nodes: speed, delay, difference of the clocks
    storage_probe  the run's folder: write, read, replace, list, delete, and who sees whose file
    findings       what a node has to tell
    verdict        the findings of all -> what is broken, what is odd, one line
    check          all of it in order

Seconds, once for each set of nodes: `preflight.json` in the run's folder says which were looked at. A node that is slow
or odd is named in a warning, one that is broken ends the group.
"""
