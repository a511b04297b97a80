"""Access keys and policies of the local store, and the IAM calls that change them."""
