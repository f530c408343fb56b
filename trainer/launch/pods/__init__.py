"""The pods of a rendered PyTorchJob as processes of this machine, in the environment that a cluster would give them.

    rendering   RUN -> the chart's objects, and the folder that stands for the volume
    namespaces  a network and mounts of the command's own, which end with it
    folder      where the objects lie while the job runs; `berth scale --local` changes them there
    variables   the environment of a pod: its template's, and what the training operator adds
    container   what a pod sees instead of its image: this machine's files, and the template's volumes
    local_pod   one pod as a process
    job         the training operator's part: starts, restarts and scales pods, knows the outcome
    local_run   all of it, from RUN to an exit code

A pod differs from one on a cluster by its addresses, and in that nobody limits its memory, forbids it to write to the
files of this machine or leads it to another network.
"""
