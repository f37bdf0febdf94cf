"""Use cases of identity: one file a group, one function a verb."""
