"""Whether a run survives what breaks: a seeded schedule of faults, and the result beside that of an undisturbed run.

python -m tests.chaos --seed 7 --minutes 10             pods as processes on this machine; root, nothing else
python -m tests.chaos --seed 7 --minutes 10 --cluster   on the cluster of tests/cluster

    schedule    a seed -> which fault at which second
    run         one run by a schedule, on a lane
    local       the lane of this machine, and its faults
    job         the job of `berth run --pods`, whose nodes and names can be taken away
    kubernetes  the lane of the real cluster
    watch       the steps and checkpoints of a run -> what a fault cost
    comparison  two finished runs -> how they differ
"""
