"""Whether anything grows or is left over when the same is done for hours; each prints a table and ends with an error.

python -m tests.soak checkpoints    10,000 saves in a folder, 500 on S3: what stays, time, memory, files, threads
python -m tests.soak corpus         5,000 files prepared, looked at, and read for ten minutes
python -m tests.soak training       an hour of a small run: the memory of its processes
python -m tests.soak submits        1,000 runs submitted and deleted, and 100 by helm, on the cluster of tests/cluster

growth      what a process holds, sampled -> the line through it, and whether it rises
"""
