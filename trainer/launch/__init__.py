"""From a laptop to a cluster: what starts, scales, watches and plans runs, without torch or Ray."""
