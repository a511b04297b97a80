"""What the tree is: places, buckets, snapshots, forks, and how events change them. Pure."""
